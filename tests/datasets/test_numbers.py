"""Cells that are numbers, are missing, or are neither."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skchem_dl.datasets._numbers import guess_decimal, hint, read_numbers


def read(texts, decimal=".", na_values=()):
    return read_numbers(texts, "y", decimal, na_values)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        ("-0.77", -0.77),
        ("+3", 3.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("2.5E+02", 250.0),
        ("\u22121.5", -1.5),  # the minus of a printed table
        ("007", 7.0),
    ],
)
def test_numbers(text, number):
    assert read([text]) == ([number], [])
    assert read([text.replace(".", ",")], ",") == ([number], [])


@pytest.mark.parametrize(
    "text",
    ["<5", "> 10", "n.d.", "1,234.5", "1 234", "1_000", "0x10", "inf", "1e999", "5 mg", "--1", ".",
     "1.2.3", "٣", "½", "-", "e5", "True"],
)  # fmt: skip
def test_text_is_no_number(text):
    values, problems = read(["1", text])
    assert values[0] == 1 and math.isnan(values[1])
    assert problems == [(1, "y", text)]


@pytest.mark.parametrize("text", ["", "NA", "na", "N/A", "#N/A", "NaN", "null", "None", "NULL"])
def test_missing(text):
    values, problems = read([text])
    assert math.isnan(values[0]) and problems == []


def test_na_values_are_taken_to_the_letter():
    values, problems = read(["n.d.", "N.D."], na_values=["n.d."])
    assert math.isnan(values[0]) and [problem.value for problem in problems] == ["N.D."]


def test_a_number_may_mean_missing():
    values, problems = read(["-999", "-999.0", "1"], na_values=["-999"])
    assert [math.isnan(value) for value in values] == [True, False, False] and problems == []


@pytest.mark.parametrize(
    ("texts", "separator", "decimal"),
    [
        (["1.5", "2"], ",", "."),
        (["1", "2"], ";", "."),
        (["1,5", "2"], ";", ","),
        (["1,5", "2"], "\t", ","),
        (["1,5", "<0,3", "n.d."], ",", ","),  # in quotes, where the separator is a comma
        (["0,772", "-0,123"], "\t", ","),  # thousands do not begin with 0
        (["1,234", "5,678"], "\t", "."),  # thousands, or not
        (["1,234", "5,6"], "\t", ","),
        (["1,234", "5,678"], ";", ","),
        (["1,234.5", "2"], ";", "."),
        (["1,5", "2.5"], ";", "."),  # one of them is wrong
        ([], ",", "."),
    ],
)
def test_guess_decimal(texts, separator, decimal):
    assert guess_decimal(texts, separator) == decimal


@pytest.mark.parametrize(
    ("text", "decimal", "says"),
    [
        ("<5", ".", "limit"),
        ("1,234", ".", "thousands"),
        ("1,234.5", ".", "thousands"),
        ("0,5", ".", "decimal comma"),
        ("0.5", ",", "decimal point"),
        ("active", ".", ""),
    ],
)
def test_hints(text, decimal, says):
    assert says in hint(text, decimal)
    assert bool(hint(text, decimal)) == bool(says)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_comes_back(numbers):
    texts = [repr(number) for number in numbers]
    assert (read(texts)[0] == numbers).all()
    assert (read([text.replace(".", ",") for text in texts], ",")[0] == numbers).all()


@given(st.text(max_size=8), st.sampled_from([".", ","]))
def test_any_text_is_a_number_missing_or_a_problem(text, decimal):
    values, problems = read([text], decimal)
    assert math.isfinite(values[0]) or problems or text.casefold() in (
        "", "na", "n/a", "nan", "null", "none", "#n/a"
    )  # fmt: skip
    if math.isfinite(values[0]):
        assert float(text.replace("\u2212", "-").replace(",", ".")) == values[0]
