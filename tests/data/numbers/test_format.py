"""Tests of the formats of numbers: marks, units, multipliers and codes for missing values."""

import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.format import PLAIN_NUMBERS, NumberFormat
from lstm_cli.data.numbers.hints import marks_hint, na_value_flag
from lstm_cli.data.numbers.parse import read_numbers
from lstm_cli.data.numbers.units import ColumnUnit
from lstm_cli.errors import DataError
from lstm_cli.wording import is_number

GERMAN = NumberFormat(decimal=",", thousands=".")
ENGLISH = NumberFormat(thousands=",")
UNITS = NumberFormat(thousands=",", units=True)
PLACE = CellLocation(source="f.csv", column="y")


def numbers(number_format: NumberFormat, *cells: str, unit: ColumnUnit | None = None) -> list[float]:
    lines = np.arange(2, 2 + len(cells))
    return read_numbers(cells, lines, PLACE, number_format, unit or ColumnUnit()).tolist()


def error_of(number_format: NumberFormat, *cells: str) -> DataError:
    with pytest.raises(DataError) as caught:
        numbers(number_format, *cells)
    return caught.value


@pytest.mark.parametrize(
    ("number_format", "cell", "value"),
    [
        (GERMAN, "1.234,5", 1234.5),
        (GERMAN, "1.234.567", 1234567),
        (GERMAN, "-12,5", -12.5),
        (GERMAN, "1234,5", 1234.5),
        (GERMAN, "0,001", 0.001),
        (GERMAN, ",5", 0.5),
        (GERMAN, "1,5e3", 1500),
        (ENGLISH, "40,726.2", 40726.2),
        (ENGLISH, " 1,234 ", 1234),
        (ENGLISH, "999", 999),
        (ENGLISH, "2,42,525", 242525),
        (ENGLISH, "-1,23,45,678.5", -12345678.5),
        (UNITS, "\u20b9 2,42,525", 242525),
        (NumberFormat(thousands=" "), "12 345.5", 12345.5),
        (NumberFormat(decimal=",", thousands=" "), "12\u00a0345,5", 12345.5),
        (NumberFormat(decimal=",", thousands=" "), "12\u202f345", 12345),
        (NumberFormat(thousands="'"), "1\u2019234", 1234),
        (NumberFormat(decimal=","), "1,234", 1.234),
    ],
)
def test_marks(number_format, cell, value):
    assert numbers(number_format, cell) == [value]
    assert numbers(number_format, cell, "", cell) == pytest.approx([value, np.nan, value], nan_ok=True)


@pytest.mark.parametrize(
    ("number_format", "cell"),
    [
        (GERMAN, "1.5"),
        (GERMAN, "12.34,5"),
        (GERMAN, "1234.567,8"),
        (GERMAN, "0.123"),
        (GERMAN, "1,234.5"),
        (GERMAN, "1.2345"),
        (ENGLISH, "1,5"),
        (ENGLISH, "12,34"),
        (ENGLISH, "1,23,45"),
        (ENGLISH, "123,45,678"),
        (NumberFormat(decimal=",", thousands="."), "1.23.456"),
        (ENGLISH, "1,234.5,6"),
        (ENGLISH, ",123"),
        (NumberFormat(decimal=","), "1.5"),
        (NumberFormat(decimal=","), "1.234"),
        (NumberFormat(decimal=",", units=True), "1.5 kW"),
    ],
)
def test_numbers_of_another_format_are_errors_with_their_line(number_format, cell):
    error = error_of(number_format, "1", cell)
    assert (
        f"f.csv, line 3, column 'y': '{cell}' is not a plain number with {number_format.flags}"
        in error.message
    )
    assert error.hint


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("$1,234", 1234, "$"),
        ("($1,234.50)", -1234.5, "$"),
        ("$(5)", -5, "$"),
        ("(1,234)", -1234, ""),
        ("(5) %", -5, "%"),
        ("12 %", 12, "%"),
        ("-3.00%", -3, "%"),
        ("5\uff05", 5, "\uff05"),
        ("-$5", -5, "$"),
        ("$-5", -5, "$"),
        ("3K", 3000, ""),
        ("30.00k", 30000, ""),
        ("1.1M", 1100000, ""),
        ("2B", 2e9, ""),
        ("$4.35K", 4350, "$"),
        ("5 M €", 5e6, "€"),
        ("5 kWh", 5, "kWh"),
        ("5MB", 5, "MB"),
        ("21.5°C", 21.5, "°C"),
        ("5 km/h", 5, "km/h"),
        ("7 µg/m³", 7, "µg/m³"),
        ("7 m2", 7, "m2"),
        ("US$ 5", 5, "US$"),
        ("Rs. 1,500", 1500, "Rs."),
        ("1,5", None, ""),
        ("5 (kWh)", None, ""),
        ("--5", None, ""),
        ("-(5)", None, ""),
        ("(-5)", None, ""),
        ("1e3K", None, ""),
        ("5 Jan 2020", None, ""),
        ("10:30", None, ""),
        ("2020-01-05", None, ""),
        ("kWh", None, ""),
        ("1.5d3", None, ""),
    ],
)
def test_units_and_multipliers(cell, value, unit):
    found = UNITS.split(cell)
    assert (None if found is None else (float(found[0]), found[1])) == (
        None if value is None else (value, unit)
    )
    if value is not None:
        assert numbers(UNITS, cell, cell, "NA") == pytest.approx([value, value, np.nan], nan_ok=True)


def test_with_a_decimal_comma_units_have_no_thousands_comma():
    assert numbers(NumberFormat(decimal=",", units=True), "1,234 €") == [1.234]
    assert numbers(NumberFormat(decimal=",", thousands=".", units=True), "1.234,5 €") == [1234.5]


def test_multipliers_mix_with_plain_numbers():
    assert numbers(UNITS, "1.5K", "950", "2M", "1,250") == [1500, 950, 2e6, 1250]


@pytest.mark.parametrize(
    ("cells", "line", "says"),
    [
        (("$5", "€6"), 3, "'€6' has the unit '€', but line 2 has the unit '$'"),
        (("5 %", "NA", "6"), 4, "'6' has no unit, but line 2 has the unit '%'"),
        (("5", "6", "7 %"), 4, "'7 %' has the unit '%', but line 2 has no unit"),
        (("5 kWh", "6 MWh"), 3, "'6 MWh' has the unit 'MWh'"),
        (("$5K", "€5K"), 3, "'€5K' has the unit '€'"),
    ],
)
def test_two_units_in_a_column_are_an_error(cells, line, says):
    error = error_of(UNITS, *cells)
    assert (error.rule, error.at.lines) == ("D318", (line,))
    assert says in error.message


def test_a_unit_is_compared_over_batches_and_files():
    unit = ColumnUnit()
    assert numbers(UNITS, "$5", unit=unit) == [5]
    with pytest.raises(
        DataError, match=r"line 2, column 'y': '5 €' has the unit '€', but line 2 of f\.csv has"
    ):
        read_numbers(["5 €"], np.array([2]), CellLocation(source="g.csv", column="y"), UNITS, unit)


def test_codes_for_missing_values():
    codes = NumberFormat(na_values=("?", "-200", "n.k."))
    read = numbers(codes, "?", "-200", "-200.0", " -2e2", "n.k.", "N.K.x"[:0], "200", "-20")
    assert np.isnan(read[:6]).all()
    assert read[6:] == [200, -20]
    assert error_of(codes, "1", "??").at.lines == (3,)


def test_a_code_that_is_a_number_is_found_in_each_format():
    german = NumberFormat(decimal=",", thousands=".", na_values=("-200", "9999"))
    assert np.isnan(numbers(german, "-200,0", "9.999", "-200")).all()
    assert np.isnan(numbers(NumberFormat(decimal=",", na_values=("-99.9",)), "-99,9")).all()
    units = NumberFormat(thousands=",", units=True, na_values=("-200",))
    assert numbers(units, "$5", "-200.0", "$6")[::2] == [5, 6]


@given(
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: round(value, 3)),
    st.sampled_from("., '_"),
)
def test_grouped_numbers_come_back(value, mark):
    decimal = "," if mark == "." else "."
    cell = f"{value:,.3f}".translate({ord(","): mark, ord("."): decimal})
    number_format = NumberFormat(decimal=decimal, thousands=mark)
    assert numbers(number_format, cell) == [float(f"{value:.3f}")]


CELLS = st.lists(
    st.one_of(
        st.text("+-()$€%kKMB .,0159e", max_size=6),
        st.sampled_from(
            ["$5", "$6", "-$5", "$-7", "$.5", "$", "Rs5", "Rs.5", "5 %", "6 %", "1,234", "5", "3K", "($5)"]
        ),
    ).map(str.strip),
    min_size=1,
    max_size=4,
)


@settings(max_examples=500)
@given(CELLS, st.sampled_from([PLAIN_NUMBERS, GERMAN, ENGLISH, UNITS, NumberFormat(decimal=",", units=True)]))
def test_all_cells_at_once_are_read_like_each_cell(cells, number_format):
    together = number_format.split_all(cells)
    if together is not None:
        assert [(number, together[1]) for number in together[0]] == [
            number_format.split(cell) for cell in cells
        ]


@given(st.text(max_size=8))
def test_plain_numbers_are_those_of_is_number(cell):
    assert (PLAIN_NUMBERS.split(cell) is not None) == is_number(cell)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("1,234.5", "use --thousands ,"),
        ("1,234,567", "use --thousands ,"),
        ("1.234,5", "use --decimal , --thousands ."),
        ("1.234.567", "use --decimal , --thousands ."),
        ("12,5", "use --decimal ,"),
        ("1,5e3", "use --decimal ,"),
        ("1 234", "use --thousands ' '"),
        ("1 234,5", "use --decimal , --thousands ' '"),
        ("1'234.5", 'use --thousands "\'"'),
        ("1_234", "use --thousands _"),
        ("2,42,525", "use --thousands ,"),
        ("1,23,4", ""),
    ],
)
def test_the_hint_names_options_that_read_the_number(cell, hint):
    assert marks_hint(cell) == hint
    if hint:
        words = shlex.split(hint.removeprefix("use "))
        marks = {flag.removeprefix("--"): mark for flag, mark in zip(words[::2], words[1::2], strict=True)}
        assert NumberFormat(**marks).split(cell) is not None


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (["-$2,425.26", "$5"], "--units"),
        (["$(2,425.26)"], "--units"),
        (["($ 2,425.26)"], "--units"),
        (["1.250 \u20ac", "1.250,5 \u20ac"], "--units --decimal , --thousands ."),
        (["2.425,26 %"], "--units --decimal , --thousands ."),
        (["2 425,26 kWh"], "--units --decimal , --thousands ' '"),
        (["2.425 kWh", "5 kWh"], "--units"),
    ],
)
def test_the_hint_for_units_reads_the_other_cells_too(cells, flags):
    for number_format in (PLAIN_NUMBERS, UNITS):
        if flags != "--units" or not number_format.units:
            assert f"use {flags} " in error_of(number_format, *cells).hint


def test_an_ambiguous_comma_has_both_options():
    hint = error_of(PLAIN_NUMBERS, "1,234").hint
    assert "--thousands ," in hint
    assert "--decimal ," in hint


def test_the_option_for_a_code_is_quoted_for_a_shell():
    assert error_of(PLAIN_NUMBERS, "5", "?").hint.startswith("use --na-value '?' if")
    assert na_value_flag("-200") == "--na-value=-200"
    assert na_value_flag("\\N") == "--na-value '\\N'"
    assert error_of(PLAIN_NUMBERS, "5", "--").hint.startswith("use --na-value=-- if")


@pytest.mark.parametrize("words", [("snow", "rain", "", "snow"), ("TRUE", "FALSE"), ("A1x", "B2y")])
def test_a_column_of_text_is_named_as_one(words):
    error = error_of(PLAIN_NUMBERS, *words)
    assert (error.rule, error.at.lines) == ("D317", (2,))
    assert "the column holds text" in error.message
    assert "delete" not in error.hint
    assert "--target" in error.hint


MARKS = [
    ":",
    "x",
    "X",
    "M",
    "T",
    "Bad",
    "No Data",
    "nil",
    "\u2014",
    "n/d",
    "nd",
    "s/d",
    "c",
    "closed",
    "NV",
    "<LOD",
    "-.-",
]


@pytest.mark.parametrize("mark", [*MARKS, "#", "()", "not measured on holidays"])
def test_a_mark_among_numbers_may_be_a_missing_value(mark):
    error = error_of(PLAIN_NUMBERS, "5", mark, "6", mark)
    assert error.hint.startswith(f"use {na_value_flag(mark)} if it is a missing value")
    assert "delete" not in error.hint
    assert (error.rule, error.flags) == ("D302", ("--na-value",))


def test_a_word_among_numbers_is_no_column_of_text():
    assert error_of(PLAIN_NUMBERS, "5", "snow", "6").rule == "D302"


def test_minus_signs_that_no_option_reads_are_named_with_options_too():
    for number_format in (PLAIN_NUMBERS, UNITS):
        assert error_of(number_format, "5", "2425.26-").hint == "write it as -5"
        assert error_of(number_format, "5", "\u22122425.26").hint == "write minus signs as '-'"


def test_plain_numbers_hint_at_leaving_out_the_marks():
    assert error_of(NumberFormat(decimal=","), "1.5").hint.startswith("leave out --decimal, or")
    assert (
        "leave out --decimal if they are decimal points" in error_of(NumberFormat(decimal=","), "1.234").hint
    )
    german = NumberFormat(decimal=",", thousands=".")
    assert error_of(german, "1.5").hint.startswith("leave out --decimal and --thousands, or")
