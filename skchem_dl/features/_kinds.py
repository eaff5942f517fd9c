"""What kind of rows a featurizer returns, also within a pipeline or beside others."""

from collections.abc import Iterator
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from skchem_dl.features._base import BaseMolTransformer


def gives_descriptors(transformer: Any) -> bool:
    """Check whether its rows are those of featurizers of molecules, raw descriptors among them.

    False if any other transformer (a scaler, a column of the user) contributes columns:
    preprocessing is then left to the user.
    """
    kinds = [getattr(part, "_kind", "other") for part in _parts(transformer)]
    return "numbers" in kinds and "other" not in kinds


def _parts(transformer: Any) -> Iterator[Any]:
    """Yield the transformers from which the columns come."""
    if isinstance(transformer, Pipeline):
        yield from _parts(transformer.steps[-1][1])
    elif isinstance(transformer, FeatureUnion):
        for _, part in transformer.transformer_list:
            yield from _parts(part)
    elif isinstance(transformer, ColumnTransformer):
        for _, part, _ in transformer.transformers:
            yield from _parts(part)
    elif not (isinstance(transformer, str) and transformer == "drop"):
        yield transformer if isinstance(transformer, BaseMolTransformer) else None
