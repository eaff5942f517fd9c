"""Choosing between models: honest splits, comparisons, and what to search over."""

from skchem_dl.model_selection._compare import compare
from skchem_dl.model_selection._comparison import Comparison
from skchem_dl.model_selection._kfolds import (
    ButinaKFold,
    FingerprintClusterKFold,
    ScaffoldKFold,
)
from skchem_dl.model_selection._scaffold_split import ScaffoldShuffleSplit
from skchem_dl.model_selection._scaffolds import scaffold_groups
from skchem_dl.model_selection._significance import ComparisonTest
from skchem_dl.model_selection._similarity import butina_groups
from skchem_dl.model_selection._spaces import param_space, suggest_params
from skchem_dl.model_selection._stratify import BinnedStratifiedKFold
from skchem_dl.model_selection._time_split import TimeSplit
from skchem_dl.model_selection._train_valid_test import train_valid_test_split

__all__ = [
    "BinnedStratifiedKFold",
    "ButinaKFold",
    "Comparison",
    "ComparisonTest",
    "FingerprintClusterKFold",
    "ScaffoldKFold",
    "ScaffoldShuffleSplit",
    "TimeSplit",
    "butina_groups",
    "compare",
    "param_space",
    "scaffold_groups",
    "suggest_params",
    "train_valid_test_split",
]
