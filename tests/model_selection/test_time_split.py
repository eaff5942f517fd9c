"""Splits by date: the past to train on, the future to test on."""

import datetime as dt
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.metadata_routing import get_routing_for_object

from skchem_dl.model_selection import TimeSplit

N = 40
DAYS = np.random.default_rng(0).permutation(N)
DATES = np.datetime64("2019-12-20") + DAYS


def folds(splitter, X, groups=None):
    return [(a.tolist(), b.tolist()) for a, b in splitter.split(X, groups=groups)]


@given(
    st.lists(st.integers(1990, 2020), min_size=8, max_size=60),
    st.integers(1, 5),
    st.none() | st.floats(0.01, 0.19),
)
def test_tests_come_after_all_that_is_trained_on(years, n_splits, test_size):
    years = np.array(years)
    splitter = TimeSplit(n_splits, test_size=test_size)
    if len(set(years)) <= n_splits:
        with pytest.raises(ValueError, match="different"):
            folds(splitter, years, years)
        return
    found = folds(splitter, years, years)
    assert len(found) == n_splits == splitter.get_n_splits()
    trained_on = []
    for train, test in found:
        assert train
        assert test
        assert years[train].max() < years[test].min()
        assert set(trained_on) < set(train)
        assert not set(train) & set(test)
        trained_on = train
    for (train, test), (later, _) in pairwise(found):
        assert sorted(train + test) == later
    assert sorted(found[-1][0] + found[-1][1]) == list(range(len(years)))


@pytest.mark.parametrize("test_size", [None, 4])
def test_one_molecule_a_date_is_time_series_split(test_size):
    """Of the rows in order of time; scikit-learn leaves a remainder to the first training set."""
    by_time = np.argsort(DATES)
    expected = TimeSeriesSplit(4, test_size=test_size).split(by_time)
    for (train, test), (a, b) in zip(
        TimeSplit(4, test_size=test_size).split(DATES, groups=DATES), expected, strict=True
    ):
        np.testing.assert_array_equal(np.sort(by_time[a]), train)
        np.testing.assert_array_equal(np.sort(by_time[b]), test)


def test_cuts_go_where_a_date_begins():
    years = np.repeat([2015, 2016, 2017, 2018], [10, 3, 5, 2])
    ((train, test),) = folds(TimeSplit(1, test_size=0.2), years, years)
    assert (len(train), len(test)) == (18, 2)  # after 16 wanted: 18 is nearer than 13
    ((train, test),) = folds(TimeSplit(1, test_size=6), years, years)
    assert (len(train), len(test)) == (13, 7)
    sizes = [(len(a), len(b)) for a, b in folds(TimeSplit(3, test_size=1), years, years)]
    assert sizes == [(10, 3), (13, 5), (18, 2)]


def kinds_of_dates():
    stamps = pd.Series(DATES)
    moments = [dt.datetime(2019, 12, 20, tzinfo=dt.UTC) + dt.timedelta(int(day)) for day in DAYS]
    return {
        "datetime64": DATES,
        "texts": DATES.astype(str).tolist(),
        "texts of seconds": DATES.astype("M8[s]").astype(str),
        "ISO's basic form": [str(date).replace("-", "") for date in DATES],
        "dates": DATES.tolist(),
        "aware": [
            m.astimezone(dt.timezone(dt.timedelta(hours=k % 5))) for k, m in enumerate(moments)
        ],
        "pandas": stamps,
        "pandas, aware": stamps.dt.tz_localize("Europe/Berlin"),
        "pandas, texts": stamps.dt.strftime("%Y-%m-%d"),
        "polars": pl.Series(DATES),
        "numbers": DAYS / 365,
        "pandas, nullable numbers": pd.Series(DAYS, dtype="Int64"),
    }


@pytest.mark.parametrize("kind", kinds_of_dates())
def test_kinds_of_dates(kind):
    dates = kinds_of_dates()[kind]
    expected = folds(TimeSplit(3), DATES, DATES)
    assert folds(TimeSplit(3), ["C"] * N, dates) == expected
    frame = pd.DataFrame({"smiles": ["C"] * N, "date": dates})
    assert folds(TimeSplit(3, date_column="date"), frame) == expected


def test_column_of_a_polars_frame_and_other_groups():
    frame = pl.DataFrame({"date": DATES, "smiles": ["C"] * N})
    scaffolds = ["c1ccccc1"] * N
    found = folds(TimeSplit(3, date_column="date"), frame, scaffolds)
    assert found == folds(TimeSplit(3), DATES, DATES)


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (None, "TimeSplit needs dates"),
        (["2020-01-01", "12/05/2019"], r"date in row 1 cannot be read: '12/05/2019'.*ISO 8601"),
        (["2020-01-01", " "], "1 of 2 dates are missing, the first in row 1"),
        (np.array(["NaT", "2020-01-01"], object), "1 of 2 dates are missing, the first in row 0"),
        (["2020-01-01", None], "1 of 2 dates are missing, the first in row 1"),
        ([2020.0, np.nan], "1 of 2 dates are missing, the first in row 1"),
        (np.array(["NaT", "2020-01-01"], "M8[D]"), "1 of 2 dates are missing, the first in row 0"),
        (["2020-01-01"] * 2, r"n_splits=1 split\(s\) of 1 different date\(s\); at least 2"),
    ],
)
def test_dates_that_do_not_do(dates, message):
    with pytest.raises(ValueError, match=message):
        folds(TimeSplit(1), ["C", "O"], dates)


def test_a_column_that_is_not_there():
    message = r"date_column='date' must name exactly one column of X, got a frame of .*\['when'\]"
    with pytest.raises(ValueError, match=message):
        folds(TimeSplit(1, date_column="date"), pd.DataFrame({"when": [1, 2]}))
    with pytest.raises(ValueError, match="got list"):
        folds(TimeSplit(1, date_column="date"), ["C", "O"])


@pytest.mark.parametrize("test_size", [0, 0.5, 20, "a", True, 1.5])
def test_sizes_are_checked(test_size):
    with pytest.raises(ValueError, match=f"n_splits=2 test set.* less than the 40 .*{test_size!r}"):
        folds(TimeSplit(2, test_size=test_size), DATES, DATES)


@pytest.mark.parametrize("n_splits", [0, 1.5, True, "3"])
def test_number_of_splits_is_checked(n_splits):
    with pytest.raises(ValueError, match="n_splits must be an integer of at least 1"):
        TimeSplit(n_splits)


def test_asks_for_groups_by_whatever_name():
    splitter = TimeSplit()
    assert get_routing_for_object(splitter).split.requests == {"groups": True}
    with config_context(enable_metadata_routing=True):
        named = deepcopy(splitter).set_split_request(groups="dates")
    assert get_routing_for_object(named).split.requests == {"groups": "dates"}
    assert repr(splitter) == "TimeSplit(date_column=None, n_splits=5, test_size=None)"


@pytest.mark.parametrize("number", [2021, 2021.0, np.int64(20210312)])
def test_a_number_among_text_is_a_year_or_a_day(number):
    dates = np.array(["2019-05-12", number, "2020-01-01"], dtype=object)
    [(train, test)] = TimeSplit(1, test_size=1).split(["C"] * 3, groups=dates)
    assert (train.tolist(), test.tolist()) == ([0, 2], [1])


@pytest.mark.parametrize("number", [44_000, 2019.5, True])
def test_another_number_among_text(number):
    dates = np.array(["2019-05-12", number, "2020-01-01"], dtype=object)
    with pytest.raises(ValueError, match=r"date in row 1 cannot be read: .*2019 or 20190512"):
        next(TimeSplit(1, test_size=1).split(["C"] * 3, groups=dates))
