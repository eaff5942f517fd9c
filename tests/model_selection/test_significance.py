"""Tests of significance: against formulas by hand, scipy, statsmodels and tables."""

import sys

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.libqsturng import psturng

from skchem_dl.model_selection import Comparison
from skchem_dl.model_selection._significance import (
    anova,
    conover,
    friedman,
    mean_square_error,
    normality_p_value,
    own_half_widths,
    residuals,
    sphericity_p_value,
    tukey,
)

# Six folds, three methods.
SCORES = np.array(
    [[31, 27, 24], [31, 28, 31], [45, 29, 46], [21, 18, 48], [42, 36, 46], [32, 17, 40]],
    dtype=float,
)
PAIRS = [(0, 1), (0, 2), (1, 2)]


def normal(n=25, means=(0.600, 0.605, 0.800), seed=0):
    rng = np.random.default_rng(seed)
    fold = rng.normal(scale=0.1, size=(n, 1))
    return fold + np.array(means) + rng.normal(scale=0.05, size=(n, len(means)))


def comparison(scores, *, greater_is_better=False, names="abcdefghi"):
    n, k = scores.shape
    rows = [
        {"method": names[j], "repeat": i // 5, "fold": i % 5, "score": scores[i, j]}
        for j in range(k)
        for i in range(n)
    ]
    return Comparison(pd.DataFrame(rows), {"score": greater_is_better})


def test_anova_by_hand():
    n, k = SCORES.shape
    total = ((SCORES - SCORES.mean()) ** 2).sum()
    of_methods = n * ((SCORES.mean(axis=0) - SCORES.mean()) ** 2).sum()
    of_folds = k * ((SCORES.mean(axis=1) - SCORES.mean()) ** 2).sum()
    error = (total - of_methods - of_folds) / ((n - 1) * (k - 1))
    assert mean_square_error(SCORES) == pytest.approx(error)
    f = of_methods / (k - 1) / error
    assert anova(SCORES) == pytest.approx(stats.f.sf(f, k - 1, (n - 1) * (k - 1)))
    rows = [(i, j, SCORES[i, j]) for i in range(n) for j in range(k)]
    frame = pd.DataFrame(rows, columns=["fold", "method", "score"])
    table = AnovaRM(frame, "score", "fold", within=["method"]).fit().anova_table
    assert table["F Value"].iloc[0] == pytest.approx(f)


def test_tukey_by_the_table():
    """The studentised range of 3 means and 10 degrees of freedom: q(0.05) = 3.877, of tables."""
    found = tukey(SCORES, 0.05)
    error = np.sqrt(mean_square_error(SCORES) / 6)
    np.testing.assert_allclose(found.half_widths, 3.877 * error, rtol=1e-3)
    means = SCORES.mean(axis=0)
    expected = [psturng(abs(means[i] - means[j]) / error, 3, 10)[0] for i, j in PAIRS]
    np.testing.assert_allclose(found.p_values, expected, rtol=0.02)


def test_two_methods_are_students_paired_test():
    scores = normal(means=(0.60, 0.62))
    expected = stats.ttest_rel(*scores.T)
    assert anova(scores) == pytest.approx(expected.pvalue)
    found = tukey(scores, 0.05)
    assert found.p_values == pytest.approx([expected.pvalue], rel=1e-4)
    limits = expected.confidence_interval(0.95)
    assert found.half_widths == pytest.approx([(limits.high - limits.low) / 2], rel=1e-4)
    # Wilcoxon's where ranks are asked for.
    assert friedman(scores) == stats.wilcoxon(*scores.T).pvalue
    ranked = conover(scores, 0.05)
    assert ranked.p_values == [friedman(scores)]
    assert ranked.half_widths == pytest.approx(found.half_widths, rel=1e-4)


def test_conover_by_hand():
    """The formula of Conover (1999), 5.8, with the adjustment of Holm."""
    scores = normal(n=12, means=(0.6, 0.63, 0.66))
    n, k = scores.shape
    ranks = stats.rankdata(scores, axis=1)
    sums = ranks.sum(axis=0)
    df = (n - 1) * (k - 1)
    error = np.sqrt(2 * (n * (ranks**2).sum() - (sums**2).sum()) / df)
    raw = [2 * stats.t.sf(abs(sums[i] - sums[j]) / error, df) for i, j in PAIRS]
    theirs = scikit_posthocs.posthoc_conover_friedman(scores).to_numpy()
    np.testing.assert_allclose([theirs[pair] for pair in PAIRS], raw)
    order = np.argsort(raw)
    holm = np.empty(3)
    holm[order] = np.minimum(np.maximum.accumulate(np.sort(raw) * [3, 2, 1]), 1)
    at_all = stats.friedmanchisquare(*scores.T).pvalue
    found = conover(scores, 0.05)
    assert friedman(scores) == at_all
    np.testing.assert_allclose(found.p_values, np.maximum(holm, at_all))
    sd = [(scores[:, i] - scores[:, j]).std(ddof=1) for i, j in PAIRS]
    bonferroni = stats.t.ppf(1 - 0.05 / 6, n - 1)
    np.testing.assert_allclose(found.half_widths, bonferroni * np.array(sd) / np.sqrt(n))


def test_no_pair_is_more_certain_than_any_difference():
    scores = np.array([[1.0, 2.0, 3.0], [1.1, 2.2, 3.3]])  # always in this order, in two folds
    assert friedman(scores) == pytest.approx(np.exp(-2))  # chi2 = 4, 2 degrees of freedom
    assert conover(scores, 0.05).p_values == pytest.approx([np.exp(-2)] * 3)


@pytest.mark.parametrize("seed", range(5))
def test_sphericity_of_three_methods_is_known_exactly(seed):
    """For two contrasts, W^((df - 1) / 2) is uniform."""
    scores = normal(n=12, seed=seed)
    contrasts = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
    covariance = np.cov(contrasts @ scores.T)
    w = np.linalg.det(covariance) / (np.trace(covariance) / 2) ** 2
    assert sphericity_p_value(scores) == pytest.approx(w ** ((11 - 1) / 2), abs=2e-3)


def test_sphericity_is_rejected_as_often_as_it_should_be():
    rng = np.random.default_rng(0)
    p = [sphericity_p_value(rng.normal(size=(25, 6))) for _ in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 0.05
    unlike = [1, 1, 1, 1, 1, 20]
    assert sphericity_p_value(rng.normal(size=(25, 6)) * unlike) < 1e-6


@pytest.mark.parametrize(
    "scores",
    [normal(means=(1, 2)), normal(n=3, means=(1, 2, 3, 4)), np.ones((9, 3))],
    ids=["two methods", "three folds", "constant"],
)
def test_sphericity_that_cannot_be_tested(scores):
    assert np.isnan(sphericity_p_value(scores))


def test_normality_is_of_residuals():
    scores = normal()
    assert normality_p_value(scores) == stats.shapiro(residuals(scores)).pvalue > 0.05
    assert normality_p_value(scores + 100 * np.arange(25)[:, None]) > 0.05
    scores[3, 1] += 5
    assert normality_p_value(scores) < 1e-6


def test_own_widths():
    np.testing.assert_allclose(own_half_widths(np.full(10, 0.4), 5), 0.2)
    own = np.array([0.1, 0.2, 0.3, 0.5])
    of_pairs = own[np.triu_indices(4, 1)[0]] + own[np.triu_indices(4, 1)[1]]
    np.testing.assert_allclose(own_half_widths(of_pairs, 4), own)
    np.testing.assert_allclose(own_half_widths(np.array([0.4]), 2), [0.2, 0.2])


@pytest.mark.parametrize("greater_is_better", [True, False])
def test_the_result(greater_is_better):
    scores = normal() * (-1 if greater_is_better else 1)
    test = comparison(scores, greater_is_better=greater_is_better).test()
    assert (test.method, test.n_folds, test.metric) == ("anova", 25, "score")
    assert test.means.index.tolist() == ["a", "b", "c"]
    assert test.means["standing"].tolist() == ["best", "same", "worse"]
    np.testing.assert_allclose(test.means["mean"], scores.mean(axis=0))
    pairs = test.pairs.set_index(["method_1", "method_2"])
    assert pairs.index.tolist() == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs["significant"].tolist() == [False, True, True]
    difference = scores[:, 0] - scores[:, 2]
    row = pairs.loc["a", "c"]
    assert row["difference"] == pytest.approx(difference.mean())
    assert row["cohen_d"] == pytest.approx(difference.mean() / difference.std(ddof=1))
    assert (row["lower"] + row["upper"]) / 2 == pytest.approx(row["difference"])
    # Intervals of two methods overlap where, and only where, Tukey cannot tell them apart.
    for (one, other), pair in pairs.iterrows():
        a, b = test.means.loc[one], test.means.loc[other]
        assert (a["lower"] > b["upper"] or b["lower"] > a["upper"]) == pair["significant"]
        assert (pair["lower"] > 0 or pair["upper"] < 0) == pair["significant"]
    assert str(test).splitlines() == [
        f"score, 25 folds: repeated-measures ANOVA, Tukey's HSD, p = {test.p_value:.2g}",
        "best: a",
        "not distinguishable from it: b",
        "worse: c",
    ]


def test_the_test_that_fits_is_taken():
    scores = normal()
    assert comparison(scores).test(method="friedman").method == "friedman"
    outlier = scores.copy()
    outlier[0, 0] += 3
    assert comparison(outlier).test().method == "friedman"
    assert comparison(outlier).test(method="anova").method == "anova"
    unlike = normal(means=(1, 2, 3, 4))
    unlike[:, 3] = 4 + 20 * (unlike[:, 3] - 4)
    test = comparison(unlike).test()
    assert test.sphericity_p_value < 0.05 < test.normality_p_value or test.method == "friedman"
    assert comparison(normal(n=3, means=(1, 2, 3, 4))).test().method == "friedman"  # cannot tell
    assert "Wilcoxon" in str(comparison(scores[:, :2]).test(method="friedman"))


@pytest.mark.parametrize("method", ["auto", "anova", "friedman"])
def test_methods_that_are_the_same(method):
    same = np.repeat(normal()[:, :1], 3, axis=1)
    test = comparison(same).test(method=method)
    assert test.p_value == 1
    assert test.pairs["p_value"].tolist() == [1, 1, 1]
    assert test.means["standing"].tolist() == ["best", "same", "same"]
    twins = normal()[:, [0, 0, 2]]
    pairs = comparison(twins).test(method=method).pairs
    assert pairs["p_value"][0] == pytest.approx(1)
    assert pairs["cohen_d"][0] == 0
    assert pairs["significant"].tolist() == [False, True, True]


def test_methods_that_always_differ_by_the_same():
    scores = normal()[:, :1] + np.array([0.0, 1.0, 2.0])
    test = comparison(scores).test(method="anova")
    assert test.p_value == 0
    assert test.pairs["p_value"].tolist() == [0, 0, 0]
    assert comparison(scores).test(method="friedman").pairs["significant"].all()


def test_gaps():
    scores = normal()
    scores[[2, 7], 1] = np.nan
    expected = comparison(np.delete(scores, [2, 7], axis=0)).test()
    with pytest.warns(UserWarning, match="left out: repeat 0, fold 2; repeat 1, fold 2"):
        found = comparison(scores).test()
    assert found.n_folds == 23
    assert found.p_value == pytest.approx(expected.p_value)
    scores[:, 1] = np.nan
    with pytest.warns(UserWarning, match=r"left out: method 'b'\."):
        assert comparison(scores).test().means.index.tolist() == ["a", "c"]
    scores[:, 2] = np.nan
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match=r"1 method\(s\) with a score and 25"),
    ):
        comparison(scores).test()


def test_wrong_arguments():
    given = comparison(normal())
    with pytest.raises(ValueError, match=r"No metric 'r2' in the comparison; it has \['score'\]"):
        given.test("r2")
    with pytest.raises(ValueError, match="method='t'; expected one of"):
        given.test(method="t")
    with pytest.raises(ValueError, match="alpha=5"):
        given.test(alpha=5)


@pytest.mark.parametrize(
    ("module", "method"),
    [
        ("statsmodels.stats.anova", "anova"),
        ("scikit_posthocs", "friedman"),
        ("statsmodels.stats.multitest", "friedman"),
    ],
)
def test_without_the_extra(module, method, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="need the extra 'stats'"):
        comparison(normal()).test(method=method)


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_ranks_that_contradict_the_means_show_nothing(names):
    """B wins 24 folds of 25 and fails on one, so that its mean is the worse one."""
    rng = np.random.default_rng(0)
    scores = np.array([0.50, 0.40, 0.60]) + rng.normal(scale=0.005, size=(25, 3))
    scores[7, 1] = 5.0
    test = comparison(scores[:, : len(names)], names=names).test()
    assert test.method == "friedman" and test.p_value < 0.01
    assert test.means.index[0] == "a"
    assert test.means["standing"]["b"] == "same"
    pairs = test.pairs.set_index(["method_1", "method_2"])
    assert pairs.loc[("a", "b"), "p_value"] == 1.0
    if len(names) == 3:
        assert test.means["standing"]["c"] == "worse"
