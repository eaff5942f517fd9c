"""Which of several methods differ, judged by their scores on the same folds.

Everything starts from a matrix of scores, (n, k): a row a fold, a column a method.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

METHODS = ("auto", "anova", "friedman")


@dataclass(frozen=True)
class ComparisonTest:
    """Whether methods differ by one metric, and which; made by `Comparison.test`.

    Attributes
    ----------
    metric : str
        What is compared.
    greater_is_better : bool
        Whether more of it is.
    method : {"anova", "friedman"}
        Repeated-measures ANOVA with Tukey's HSD, or Friedman's test with Conover's (for two
        methods Wilcoxon's signed-rank test).
    p_value : float
        Of the test that all methods are the same.
    normality_p_value : float
        Of Shapiro and Wilk's test of the residuals; NaN where there are none.
    sphericity_p_value : float
        Of Mauchly's test; NaN where it cannot be made (two methods, or too few folds).
    alpha : float
        Level of significance.
    n_folds : int
        Folds that count.
    means : DataFrame
        A row a method, the best first: "mean", "sd" over the folds, "lower" and "upper" of
        intervals that overlap where methods are not different, "standing" ("best", "same" or
        "worse").
    pairs : DataFrame
        A row a pair, the better one first: "difference" of the means, its "lower" and "upper"
        simultaneous confidence limits, "p_value" adjusted for the number of pairs, "cohen_d",
        "significant".

    See Also
    --------
    Comparison.test : Makes one.

    Examples
    --------
    >>> import pandas as pd
    >>> from skchem_dl.model_selection import Comparison
    >>> rmse = [0.61, 0.70, 0.65, 0.59, 2.0, 2.2, 2.1, 1.9]
    >>> scores = pd.DataFrame({"method": ["forest"] * 4 + ["mean"] * 4, "rmse": rmse})
    >>> scores = scores.assign(repeat=0, fold=[0, 1, 2, 3] * 2)
    >>> test = Comparison(scores, {"rmse": False}).test()
    >>> test.means["standing"].to_dict()
    {'forest': 'best', 'mean': 'worse'}
    """

    metric: str
    greater_is_better: bool
    method: str
    p_value: float
    normality_p_value: float
    sphericity_p_value: float
    alpha: float
    n_folds: int
    means: Any
    pairs: Any

    def __str__(self) -> str:
        test = {
            "anova": "repeated-measures ANOVA, Tukey's HSD",
            "friedman": "Friedman's test, Conover's for pairs"
            if len(self.means) > 2
            else "Wilcoxon's signed-rank test",
        }[self.method]
        lines = [f"{self.metric}, {self.n_folds} folds: {test}, p = {self.p_value:.2g}"]
        for standing, words in (
            ("best", "best"),
            ("same", "not distinguishable from it"),
            ("worse", "worse"),
        ):
            names = self.means.index[self.means["standing"] == standing]
            if len(names):
                lines.append(f"{words}: {', '.join(map(str, names))}")
        return "\n".join(lines)


class Pairwise(NamedTuple):
    """Of all pairs, in the order of ``np.triu_indices(k, 1)``: (k (k - 1) / 2,) each."""

    p_values: np.ndarray  # adjusted
    half_widths: np.ndarray  # of simultaneous confidence intervals of the differences


def judge_methods(
    scores: np.ndarray,
    names: list[str],
    *,
    metric: str,
    greater_is_better: bool,
    alpha: float,
    method: str,
) -> ComparisonTest:
    """Test methods against each other.

    Parameters
    ----------
    scores : ndarray of shape (n, k)
        Two rows and columns or more.
    names : list of k str
    metric : str
    greater_is_better : bool
    alpha : float
        Level of significance, of the assumptions' tests too.
    method : {"auto", "anova", "friedman"}
        "auto" takes ANOVA unless its assumptions are rejected, or cannot be checked.

    Returns
    -------
    ComparisonTest
    """
    order = np.argsort(-scores.mean(axis=0) if greater_is_better else scores.mean(axis=0))
    scores, names = scores[:, order], [names[i] for i in order]
    normality, sphericity = normality_p_value(scores), sphericity_p_value(scores)
    if method == "auto":
        fits = normality >= alpha and (len(names) == 2 or sphericity >= alpha)
        method = "anova" if fits else "friedman"
    test, compare = (anova, tukey) if method == "anova" else (friedman, conover)
    p_value, pairwise = test(scores), compare(scores, alpha)
    return ComparisonTest(
        metric=metric,
        greater_is_better=greater_is_better,
        method=method,
        p_value=p_value,
        normality_p_value=normality,
        sphericity_p_value=sphericity,
        alpha=alpha,
        n_folds=len(scores),
        means=_means_table(scores, names, pairwise, alpha),
        pairs=_pairs_table(scores, names, pairwise, alpha),
    )


def _pairs_table(scores: np.ndarray, names: list[str], pairwise: Pairwise, alpha: float) -> Any:
    import pandas as pd

    first, second = np.triu_indices(len(names), 1)
    differences = scores[:, first] - scores[:, second]
    difference = differences.mean(axis=0)
    return pd.DataFrame(
        {
            "method_1": [names[i] for i in first],
            "method_2": [names[i] for i in second],
            "difference": difference,
            "lower": difference - pairwise.half_widths,
            "upper": difference + pairwise.half_widths,
            "p_value": pairwise.p_values,
            "cohen_d": ratio(difference, differences.std(axis=0, ddof=1)),
            "significant": pairwise.p_values < alpha,
        }
    )


def _means_table(scores: np.ndarray, names: list[str], pairwise: Pairwise, alpha: float) -> Any:
    import pandas as pd

    mean, own = scores.mean(axis=0), own_half_widths(pairwise.half_widths, len(names))
    worse = pairwise.p_values[: len(names) - 1] < alpha  # the pairs of the best come first
    return pd.DataFrame(
        {
            "mean": mean,
            "sd": scores.std(axis=0, ddof=1),
            "lower": mean - own,
            "upper": mean + own,
            "standing": ["best", *np.where(worse, "worse", "same")],
        },
        index=pd.Index(names, name="method"),
    )


def residuals(scores: np.ndarray) -> np.ndarray:
    """Give what is left of scores without the effects of fold and method.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    ndarray of shape (n, k)
        Exactly 0 where they are nothing but rounding.
    """
    left = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
    left[np.abs(left) < 1e-12 * np.abs(scores).max()] = 0.0
    return left


def mean_square_error(scores: np.ndarray) -> float:
    """Give the residual variance of a repeated-measures ANOVA.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    float
    """
    return float((residuals(scores) ** 2).sum() / _residual_df(scores))


def normality_p_value(scores: np.ndarray) -> float:
    """Test whether the residuals are normal, after Shapiro and Wilk.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    float
        NaN where all residuals are 0.
    """
    left = residuals(scores).ravel()
    return float(stats.shapiro(left).pvalue) if left.any() else np.nan


def sphericity_p_value(scores: np.ndarray) -> float:
    """Test whether differences of all pairs vary alike, after Mauchly.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    float
        NaN for two methods, and where there are not enough folds.

    References
    ----------
    .. [1] Mauchly, J. W. Significance Test for Sphericity of a Normal n-Variate Distribution.
       Ann. Math. Stat. 1940, 11, 204-209. https://doi.org/10.1214/aoms/1177731915
    .. [2] Anderson, T. W. An Introduction to Multivariate Statistical Analysis; Wiley, 2003;
       section 10.7, for the distribution.
    """
    df, p = len(scores) - 1, scores.shape[1] - 1
    if p < 2 or df < p:
        return np.nan
    # Any orthonormal contrasts do; those of the singular vectors of the centring matrix are.
    contrasts = np.linalg.svd(np.eye(p + 1) - 1 / (p + 1))[0][:, :p]
    covariance = np.cov(scores @ contrasts, rowvar=False)
    sign, log_det = np.linalg.slogdet(covariance)
    if sign <= 0:
        return np.nan
    log_w = log_det - p * np.log(np.trace(covariance) / p)
    rho = 1 - (2 * p**2 + p + 2) / (6 * p * df)
    if rho <= 0:
        return np.nan
    f = p * (p + 1) / 2 - 1
    second = (p + 2) * (p - 1) * (p - 2) * (2 * p**3 + 6 * p**2 + 3 * p + 2)
    second /= 288 * (df * p * rho) ** 2
    first_tail, second_tail = stats.chi2.sf(-df * rho * log_w, [f, f + 4])
    return float(np.clip(first_tail + second * (second_tail - first_tail), 0, 1))


def anova(scores: np.ndarray) -> float:
    """Test whether all methods have the same mean, by a repeated-measures ANOVA.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    float
        The p-value.
    """
    AnovaRM = _import("statsmodels.stats.anova").AnovaRM
    import pandas as pd

    n, k = scores.shape
    if not residuals(scores).any():
        return 1.0 if np.ptp(scores.mean(axis=0)) == 0 else 0.0
    rows = {
        "fold": np.repeat(np.arange(n), k),
        "method": np.tile(np.arange(k), n),
        "score": scores.ravel(),
    }
    table = AnovaRM(pd.DataFrame(rows), "score", "fold", within=["method"]).fit().anova_table
    return float(table["Pr > F"].iloc[0])


def tukey(scores: np.ndarray, alpha: float) -> Pairwise:
    """Compare all pairs by Tukey's honestly significant difference.

    Parameters
    ----------
    scores : ndarray of shape (n, k)
    alpha : float

    Returns
    -------
    Pairwise
    """
    n, k = scores.shape
    df = _residual_df(scores)
    error = np.sqrt(mean_square_error(scores) / n)
    differences = np.abs(_differences_of_means(scores))
    p_values = stats.studentized_range.sf(ratio(differences, error), k, df)
    critical = stats.studentized_range.ppf(1 - alpha, k, df)
    return Pairwise(np.clip(p_values, 0, 1), np.full(len(differences), critical * error))


def friedman(scores: np.ndarray) -> float:
    """Test whether all methods rank the same: Friedman's test, for two methods Wilcoxon's.

    Parameters
    ----------
    scores : ndarray of shape (n, k)

    Returns
    -------
    float
        The p-value.
    """
    if not np.ptp(scores, axis=1).any():
        return 1.0
    if scores.shape[1] == 2:
        return float(stats.wilcoxon(*scores.T).pvalue)
    return float(stats.friedmanchisquare(*scores.T).pvalue)


def conover(scores: np.ndarray, alpha: float) -> Pairwise:
    """Compare all pairs by Conover's test after Friedman's, adjusted after Holm.

    No pair is more certain than that there is any difference at all: a p-value is at least that of
    Friedman's test. It is 1 where the means of ranks and of scores disagree on which of the two is
    better. The confidence intervals are Student's for paired differences of means, after
    Bonferroni, and assume no common variance; they may disagree with the ranks.

    Parameters
    ----------
    scores : ndarray of shape (n, k)
    alpha : float

    Returns
    -------
    Pairwise
    """
    n, k = scores.shape
    first, second = np.triu_indices(k, 1)
    at_all = friedman(scores)
    if k == 2 or at_all == 1.0:
        p_values = np.full(len(first), at_all)
    else:
        posthocs = _import("scikit_posthocs")
        with np.errstate(divide="ignore", invalid="ignore"):  # where all folds rank alike
            matrix = posthocs.posthoc_conover_friedman(scores).to_numpy()
        raw = matrix[first, second]
        rank_sums = stats.rankdata(scores, axis=1).sum(axis=0)
        certain = np.isnan(raw)  # nothing left to chance: all is as the ranks say
        raw[certain] = (rank_sums[first] == rank_sums[second])[certain]
        adjust = _import("statsmodels.stats.multitest").multipletests
        p_values = np.maximum(adjust(raw, method="holm")[1], at_all)
    differences = scores[:, first] - scores[:, second]
    # A pair is called better by its means. Where ranks say the opposite, nothing is shown.
    p_values[_rank_differences(scores) * differences.mean(axis=0) < 0] = 1.0
    sd = differences.std(axis=0, ddof=1)
    critical = stats.t.ppf(1 - alpha / (2 * len(first)), n - 1)
    return Pairwise(p_values, critical * sd / np.sqrt(n))


def _rank_differences(scores: np.ndarray) -> np.ndarray:
    """Give by how much the ranks of each pair's first exceed those of its second."""
    if scores.shape[1] == 2:
        differences = scores[:, 0] - scores[:, 1]
        return np.array([np.sign(differences) @ stats.rankdata(np.abs(differences))])
    sums = stats.rankdata(scores, axis=1).sum(axis=0)
    first, second = np.triu_indices(scores.shape[1], 1)
    return sums[first] - sums[second]


def own_half_widths(of_pairs: np.ndarray, k: int) -> np.ndarray:
    """Give each method an interval of its own, such that two overlap where a pair's holds 0.

    For widths that are all the same, as Tukey's, they are the half of it and that is exact; for
    others it is as near as one number a method comes by least squares (Hochberg and Tamhane,
    Multiple Comparison Procedures; Wiley, 1987; section 3.3.2).

    Parameters
    ----------
    of_pairs : ndarray of shape (k (k - 1) / 2,)
        Half-widths of the pairs' intervals.
    k : int

    Returns
    -------
    ndarray of shape (k,)
    """
    if k == 2:
        return np.repeat(of_pairs / 2, 2)
    matrix = np.zeros((k, k))
    matrix[np.triu_indices(k, 1)] = of_pairs
    sums = (matrix + matrix.T).sum(axis=1)
    return np.maximum((sums - of_pairs.sum() / (k - 1)) / (k - 2), 0)


def ratio(values: np.ndarray, errors: Any) -> np.ndarray:
    """Divide, where 0/0 is 0 and anything else by 0 infinite.

    Parameters
    ----------
    values : ndarray
    errors : float or ndarray of the same shape

    Returns
    -------
    ndarray of the same shape
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values == 0, 0.0, values / errors)


def _differences_of_means(scores: np.ndarray) -> np.ndarray:
    mean = scores.mean(axis=0)
    first, second = np.triu_indices(len(mean), 1)
    return mean[first] - mean[second]


def _residual_df(scores: np.ndarray) -> int:
    n, k = scores.shape
    return (n - 1) * (k - 1)


def _import(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            "Tests of significance need the extra 'stats': pip install 'skchem_dl[stats]'."
        ) from error
