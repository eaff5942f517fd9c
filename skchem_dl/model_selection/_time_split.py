"""Training on the past, testing on what came after."""

from collections.abc import Iterator
from datetime import UTC, datetime
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import indexable
from sklearn.utils.validation import column_or_1d

from skchem_dl._rows import is_missing
from skchem_dl.model_selection._parameters import check_at_least, is_fraction, is_whole


class TimeSplit(BaseCrossValidator):
    """Test on molecules that are newer than all those trained on, by a column of dates.

    The rows, in whatever order, are sorted by date; of several splits each trains on all that is
    older than its test set, as in `TimeSeriesSplit`. Rows of one date are never parted: sizes are
    as near to those asked for as the dates allow.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, and of test sets one after the other; the newest molecules are in the
        last.
    test_size : float or int, default=None
        Fraction or number of molecules in each test set; None is ``1 / (n_splits + 1)``.
    date_column : str, default=None
        The column of X that holds the dates. None takes them from `groups`: with metadata routing
        ``TimeSplit().set_split_request(groups="dates")`` calls them "dates", which leaves the name
        "groups" to the scaffolds that the estimator's `fit` may take.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : For rows that are sorted already.

    Notes
    -----
    The error on molecules that are yet to be made is estimated better so than by splits at random
    [1]_. Dates are datetimes, numbers (years, say) or text in ISO 8601, such as "2019-05-12" or
    "2019-05-12T14:30".

    References
    ----------
    .. [1] Sheridan, R. P. Time-Split Cross-Validation as a Method for Estimating the Goodness of
       Prospective Prediction. J. Chem. Inf. Model. 2013, 53, 783-790.
       https://doi.org/10.1021/ci400084k

    Examples
    --------
    >>> import numpy as np
    >>> from skchem_dl.model_selection import TimeSplit
    >>> smiles = ["CCO", "CCN", "CCC", "CCCl", "CCBr"]
    >>> dates = ["2021-05-01", "2019-02-11", "2020-07-30", "2019-02-11", "2022-01-15"]
    >>> for train, test in TimeSplit(2, test_size=1).split(smiles, groups=dates):
    ...     print(train, test)
    [1 2 3] [0]
    [0 1 2 3] [4]
    """

    # As GroupsConsumerMixin, which scikit-learn does not make public.
    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, test_size=None, date_column=None):
        self.n_splits = check_at_least("n_splits", n_splits, 1)
        self.test_size = test_size
        self.date_column = date_column

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Give the number of splits.

        Parameters
        ----------
        X, y, groups : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        int
            ``n_splits``.
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of each split.

        Parameters
        ----------
        X : of length n
            Anything with rows; with `date_column`, a frame.
        y : ignored
            Not used; there by scikit-learn's convention.
        groups : array-like of shape (n,), default=None
            The dates, where `date_column` is None; not looked at otherwise.

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,), int
            Row numbers.

        Raises
        ------
        ValueError
            If there are no dates, if some are missing or unreadable, or if there are too few
            different ones.
        """
        X, groups = indexable(X, groups)
        dates = _read_dates(self._find_dates(X, groups))
        _, ranks, counts = np.unique(dates, return_inverse=True, return_counts=True)
        cuts = self._cuts(counts)
        for start, stop in zip(cuts, [*cuts[1:], len(counts)], strict=True):
            yield np.flatnonzero(ranks < start), np.flatnonzero((start <= ranks) & (ranks < stop))

    def _find_dates(self, X: Any, groups: Any) -> Any:
        if self.date_column is None:
            if groups is None:
                raise ValueError(
                    "TimeSplit needs dates: name the column of X that holds them, "
                    "TimeSplit(date_column=...), or pass them as groups."
                )
            return column_or_1d(groups, dtype=None)
        columns = list(getattr(X, "columns", []))
        if columns.count(self.date_column) != 1:
            found = f"a frame of the columns {columns[:10]}" if columns else type(X).__name__
            raise ValueError(
                f"date_column={self.date_column!r} must name exactly one column of X, got {found}."
            )
        return X[self.date_column].to_numpy()

    def _cuts(self, counts: np.ndarray) -> list[int]:
        """Give the number of the date with which each test set begins."""
        n, n_dates = int(counts.sum()), len(counts)
        if n_dates <= self.n_splits:
            raise ValueError(
                f"TimeSplit cannot make n_splits={self.n_splits} split(s) of {n_dates} different "
                f"date(s); at least {self.n_splits + 1} are needed."
            )
        size = self._rows_per_test(n)
        rows_before = np.cumsum(counts)  # of the second date, the third, ...
        cuts, first = [], 0
        for k in range(self.n_splits):
            last = n_dates - 1 - (self.n_splits - 1 - k)  # leaves the later tests a date each
            wanted = n - (self.n_splits - k) * size
            first += int(np.abs(rows_before[first:last] - wanted).argmin()) + 1
            cuts.append(first)
        return cuts

    def _rows_per_test(self, n: int) -> float:
        size = 1 / (self.n_splits + 1) if self.test_size is None else self.test_size
        rows = size * n if is_fraction(size) else size
        if not (is_fraction(size) or is_whole(size)) or not 0 < rows * self.n_splits < n:
            raise ValueError(
                "test_size must be a fraction between 0 and 1 or a number of molecules, and "
                f"n_splits={self.n_splits} test set(s) of it less than the {n} molecules there "
                f"are, got {size!r}."
            )
        return rows


def _read_dates(values: np.ndarray) -> np.ndarray:
    """Turn dates into something that sorts by time."""
    missing = np.isnat(values) if values.dtype.kind in "mM" else is_missing(values)
    if values.dtype.kind in "OU":  # numpy takes such text for a date that is not there
        missing = missing | np.array([_is_blank(item) for item in values.tolist()], dtype=bool)
    if missing.any():
        rows = np.flatnonzero(missing)
        raise ValueError(
            f"{len(rows)} of {len(values)} dates are missing, the first in row {rows[0]}. Drop "
            "these rows, or give them a date."
        )
    if values.dtype.kind in "iufM":
        return values
    items = values.tolist()
    if all(isinstance(item, Real) for item in items):
        return np.array(items, dtype=np.float64)
    return np.array([_read_date(row, item) for row, item in enumerate(items)])


def _is_blank(item: Any) -> bool:
    return isinstance(item, str) and item.strip().casefold() in ("", "nat")


def _read_date(row: int, item: Any) -> np.datetime64:
    date = item
    if isinstance(item, datetime) and item.tzinfo is not None:
        date = item.astimezone(UTC).replace(tzinfo=None)
    try:
        return np.datetime64(_as_iso(item) if isinstance(item, str | Real) else date, "us")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The date in row {row} cannot be read: {item!r}. Expected ISO 8601, such as "
            "2019-05-12, a datetime or a number (among text a year or a day, 2019 or 20190512); "
            "pandas.to_datetime converts other spellings."
        ) from error


def _as_iso(item: str | Real) -> str:
    """Write a date as numpy reads it, which takes numbers for microseconds since 1970."""
    if isinstance(item, str):
        text = item.strip()
    else:
        text = f"{float(item):.12g}"  # as a spreadsheet has a year or a day among text
        if len(text) not in (4, 8) or not text.isdecimal():
            raise ValueError(f"neither a year nor a day: {text}")
    if len(text) == 8 and text.isdecimal():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"  # ISO's basic form; numpy reads it as a year
    return text
