"""What every function here returns, in the form of scikit-learn's ``load_*`` and ``fetch_*``."""

from typing import Any

import numpy as np
from sklearn.utils import Bunch


def as_dataset(
    smiles: np.ndarray,
    target: np.ndarray | None,
    target_names: list[str],
    *,
    caller: str,
    return_X_y: bool,
    as_frame: bool,
    smiles_name: str = "smiles",
    **attributes: Any,
) -> Any:
    """Return what scikit-learn's functions return for these arguments.

    Parameters
    ----------
    smiles : ndarray of object, shape (n,)
    target : ndarray of shape (n,) or (n, t), or None
    target_names : list of t str
    caller : str
        The public function, for the error where pandas is missing.
    return_X_y, as_frame : bool
    smiles_name : str
        The column of `frame` that holds the SMILES.
    **attributes
        What else the Bunch holds.

    Returns
    -------
    Bunch or (data, target)

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is missing.
    """
    data, frame = smiles, None
    if as_frame:
        data, target, frame = _as_frame(smiles, target, smiles_name, target_names, caller)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=[smiles_name],
        target_names=target_names,
        **attributes,
    )


def _as_frame(
    smiles: np.ndarray,
    target: np.ndarray | None,
    smiles_name: str,
    target_names: list[str],
    caller: str,
) -> tuple[Any, Any, Any]:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller} with as_frame=True needs pandas, which the extra `datasets` brings: "
            "pip install 'skchem_dl[datasets]'"
        ) from error
    if target is None:
        frame = pd.DataFrame({smiles_name: smiles})
        return frame[smiles_name], None, frame
    columns = dict(zip(target_names, np.atleast_2d(target.T), strict=True))
    frame = pd.DataFrame({smiles_name: smiles, **columns})
    return frame[smiles_name], frame[target_names[0] if target.ndim == 1 else target_names], frame
