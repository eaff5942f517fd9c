"""What comes out of a comparison: the scores, a summary, and tests of significance."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skchem_dl._warnings import warn_caller
from skchem_dl.model_selection._significance import METHODS, ComparisonTest, judge_methods


class Comparison:
    """Scores of several methods on the same folds; made by `compare`.

    Made from a frame of one's own as well, to test scores from elsewhere.

    Parameters
    ----------
    scores : DataFrame
        A row for each method and fold, with the columns "method", "repeat" and "fold", one for each
        metric, and where known "fit_seconds", "predict_seconds" and "error".
    greater_is_better : dict of str to bool
        The metrics, the most important one first.

    See Also
    --------
    compare : Makes one.
    skchem_dl.inspection.ComparisonDisplay : A picture of it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skchem_dl.model_selection import Comparison
    >>> scores = pd.DataFrame({
    ...     "method": ["forest"] * 4 + ["mean"] * 4,
    ...     "repeat": 0,
    ...     "fold": [0, 1, 2, 3] * 2,
    ...     "rmse": [0.61, 0.70, 0.65, 0.59, 2.0, 2.2, 2.1, 1.9],
    ... })
    >>> print(Comparison(scores, {"rmse": False}).test())
    rmse, 4 folds: repeated-measures ANOVA, Tukey's HSD, p = 5.3e-05
    best: forest
    worse: mean
    """

    def __init__(self, scores: Any, greater_is_better: Mapping[str, bool]) -> None:
        self.scores = scores
        self.greater_is_better = dict(greater_is_better)

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return list(self.greater_is_better)

    def __repr__(self) -> str:
        n_methods = self.scores["method"].nunique()
        n_folds = len(self.scores[["repeat", "fold"]].drop_duplicates())
        return f"Comparison of {n_methods} methods on {n_folds} folds by {', '.join(self.metrics)}"

    def summary(self) -> Any:
        """Give mean and standard deviation of everything that was measured.

        Returns
        -------
        DataFrame
            A row a method, the best by the first metric first; the columns are (metric, "mean") and
            (metric, "sd"), the same for seconds, and ("folds", "scored"): those with a score.
        """
        numbers = [
            name
            for name in [*self.metrics, "fit_seconds", "predict_seconds"]
            if name in self.scores.columns
        ]
        groups = self.scores.groupby("method", sort=False)
        table = groups[numbers].agg(["mean", "std"]).rename(columns={"std": "sd"}, level=1)
        first = self.metrics[0]
        table["folds", "scored"] = groups[first].count()
        return table.sort_values((first, "mean"), ascending=not self.greater_is_better[first])

    def test(
        self, metric: str | None = None, *, method: str = "auto", alpha: float = 0.05
    ) -> ComparisonTest:
        """Test which methods differ by a metric.

        Repeated-measures ANOVA and Tukey's honestly significant differences; where the residuals
        are not normal (Shapiro and Wilk) or differences of pairs vary unlike (Mauchly), or that
        cannot be told, Friedman's test and Conover's, adjusted after Holm.

        Folds of cross-validation share molecules, and so are not independent as all these tests
        assume: take p-values for somewhat too small, and ask how large a difference must be to
        matter. Methods without any score are left out, and so are folds where a method failed.

        Parameters
        ----------
        metric : str, default=None
            One of `metrics`; None is the first.
        method : {"auto", "anova", "friedman"}, default="auto"
            "auto" chooses as said.
        alpha : float, default=0.05
            Level of significance.

        Returns
        -------
        ComparisonTest
            Means with intervals, and all pairs.

        Raises
        ------
        ImportError
            If statsmodels or scikit-posthocs is missing.
        ValueError
            If there is no such metric or method, or fewer than two methods or folds.

        References
        ----------
        .. [1] Ash, J. R. et al. Practically Significant Method Comparison Protocols for Machine
           Learning in Small Molecule Drug Discovery. J. Chem. Inf. Model. 2025.
           https://doi.org/10.1021/acs.jcim.5c01609
        .. [2] Conover, W. J. Practical Nonparametric Statistics, 3rd ed.; Wiley, 1999.
               ISBN 0-471-16068-7.
        """
        metric = self.metrics[0] if metric is None else metric
        if metric not in self.greater_is_better:
            raise ValueError(f"No metric {metric!r} in the comparison; it has {self.metrics}.")
        if method not in METHODS:
            raise ValueError(f"method={method!r}; expected one of {METHODS}.")
        if not 0 < alpha < 1:
            raise ValueError(f"alpha={alpha!r}; expected a number between 0 and 1.")
        table = self._complete(metric)
        return judge_methods(
            table.to_numpy(dtype=np.float64),
            table.columns.tolist(),
            metric=metric,
            greater_is_better=self.greater_is_better[metric],
            alpha=alpha,
            method=method,
        )

    def _complete(self, metric: str) -> Any:
        """Give the scores, a row a fold and a column a method, without gaps."""
        table = self.scores.pivot(index=["repeat", "fold"], columns="method", values=metric)
        scored = table.dropna(axis="columns", how="all")
        complete = scored.dropna(axis="index")
        left_out = [f"method {name!r}" for name in table.columns if name not in scored.columns]
        left_out += [f"repeat {r}, fold {f}" for r, f in scored.index.difference(complete.index)]
        if left_out:
            warn_caller(
                f"Without a {metric} of each method, and so left out: {'; '.join(left_out)}.",
            )
        if min(complete.shape) < 2:
            raise ValueError(
                f"There are {complete.shape[1]} method(s) with a {metric} and {complete.shape[0]} "
                "fold(s) that all of them have; a test needs two of each at least."
            )
        return complete


def import_pandas() -> Any:
    """Give pandas.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is missing; names the extra.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "Comparisons need the extra 'stats': pip install 'skchem_dl[stats]'."
        ) from error
    return pandas
