"""Choosing between models."""

from skchem_dl.model_selection._spaces import param_space, suggest_params

__all__ = ["param_space", "suggest_params"]
