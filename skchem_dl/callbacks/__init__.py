"""skorch callbacks that steer and show training."""

from skchem_dl.callbacks._best_epoch import BestEpoch, StopTraining
from skchem_dl.callbacks._progress import ProgressBar
from skchem_dl.callbacks._schedule import SCHEDULES, LearningRateSchedule

__all__ = ["SCHEDULES", "BestEpoch", "LearningRateSchedule", "ProgressBar", "StopTraining"]
