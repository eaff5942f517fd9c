"""A few predictions that are kept, to tell a model from another one later."""

from typing import Any

import numpy as np

from skchem_dl.screening._formats import Source
from skchem_dl.screening._predictor import Predictions, Predictor

_N_ROWS = 100
# Another machine's sums differ in the last digits of a float32, another model's in the first. Of
# the largest value.
_TOLERANCE = 1e-4


def sample_of(start: int, predictions: Predictions) -> dict[str, Any]:
    """Keep the first predictions of a chunk.

    Parameters
    ----------
    start : int
        The chunk's first row.
    predictions : Predictions

    Returns
    -------
    dict
        As JSON; empty if no row of the chunk is a molecule.
    """
    if not predictions.valid.any():
        return {}
    return {
        "start": start,
        "n_rows": len(predictions.valid),
        "columns": [_plain(values[:_N_ROWS]) for values in predictions.values],
    }


def refuse_other_model(sample: dict[str, Any], source: Source, predictor: Predictor) -> None:
    """Predict the chunk of a sample once more, and raise a ValueError if that differs.

    Parameters
    ----------
    sample : dict
        From `sample_of`.
    source : Source
    predictor : Predictor
    """
    if not sample:
        return
    # The same rows together, since a network's last digits depend on the size of the batch.
    chunk = next(iter(source.chunks(sample["start"], sample["n_rows"])))
    again = sample_of(sample["start"], predictor.predict(chunk.smiles))
    pairs = zip(sample["columns"], again.get("columns", []), strict=False)
    for (name, _), (before, now) in zip(predictor.columns, pairs, strict=False):
        if not _same(before, now):
            raise ValueError(
                f"The run that was interrupted had another pipeline: from row "
                f"{sample['start'] + 1} on, {name} was {_shown(before)} and is now {_shown(now)}. "
                "Use that pipeline, or start anew with resume=False."
            )


def _same(before: list, now: list) -> bool:
    if len(before) != len(now) or not (isinstance(before[0], float) and isinstance(now[0], float)):
        return before == now
    size = np.nanmax(np.abs(before), initial=0)
    return np.allclose(before, now, rtol=0, atol=_TOLERANCE * size, equal_nan=True)


def _plain(values: np.ndarray) -> list:
    return values.tolist() if values.dtype.kind == "f" else [str(v) for v in values.tolist()]


def _shown(values: list) -> str:
    return ", ".join(f"{v:.6g}" if isinstance(v, float) else v for v in values[:3]) + ", ..."
