"""Estimators that combine several models by how well they predict held-out molecules."""

from skchem_dl.pipelines._consensus._classifier import ConsensusClassifier
from skchem_dl.pipelines._consensus._regressor import ConsensusRegressor

__all__ = ["ConsensusClassifier", "ConsensusRegressor"]
