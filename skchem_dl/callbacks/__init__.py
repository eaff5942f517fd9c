"""skorch callbacks that steer, show and keep training."""

from skchem_dl.callbacks._best_epoch import BestEpoch, StopTraining
from skchem_dl.callbacks._checkpoint import Checkpoint
from skchem_dl.callbacks._metrics import EpochMetrics, GradientNorm, TargetMetrics
from skchem_dl.callbacks._progress import ProgressBar
from skchem_dl.callbacks._pruning import OptunaPruning
from skchem_dl.callbacks._schedule import SCHEDULES, LearningRateSchedule, PlateauSchedule
from skchem_dl.callbacks._search_log import log_search
from skchem_dl.callbacks._tensorboard import TensorBoardLogger

__all__ = [
    "SCHEDULES",
    "BestEpoch",
    "Checkpoint",
    "EpochMetrics",
    "GradientNorm",
    "LearningRateSchedule",
    "OptunaPruning",
    "PlateauSchedule",
    "ProgressBar",
    "StopTraining",
    "TargetMetrics",
    "TensorBoardLogger",
    "log_search",
]
