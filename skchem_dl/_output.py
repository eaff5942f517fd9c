"""scikit-learn's settings of what transformers return: `set_output` and `sparse_interface`."""

from typing import Any

import scipy.sparse as sp
from sklearn import get_config
from sklearn.utils._set_output import _get_output_config


class OwnContainerMixin:
    """Output that is not a dense matrix, which `set_output` leaves as it is; the first base."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # scikit-learn's TransformerMixin must not wrap it.
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)  # type: ignore[call-arg]

    def set_output(self, *, transform: str | None = None) -> Any:
        """Accept any container and change nothing: the output is not a dense matrix.

        So a pipeline's `set_output` reaches its other steps.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Not used; present by scikit-learn's convention.

        Returns
        -------
        self : object
            The transformer itself.
        """
        return self


def output_container(transformer: Any) -> str:
    """Return "default", "pandas" or "polars": what the output of `transform` is wrapped in."""
    return _get_output_config("transform", transformer)["dense"]


def follow_sparse_interface(rows: Any) -> Any:
    """Convert scipy sparse rows to the interface of scikit-learn's setting `sparse_interface`.

    Anything else is returned as it is, and everything before scikit-learn 1.9, which has no such
    setting.
    """
    if not sp.issparse(rows):
        return rows
    wanted = get_config().get("sparse_interface")
    if wanted is None or sp.isspmatrix(rows) == (wanted == "spmatrix"):
        return rows
    kind = "matrix" if wanted == "spmatrix" else "array"
    return getattr(sp, f"{rows.format}_{kind}")(rows)
