"""Tests of the formats of numbers in files: options, detected thousands separators, new data, and bulk reading."""

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.quality.profile import profile_files
from lstm_cli.data.reading import csv_fast
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError

GERMAN = TextSettings(decimal=",", thousands=".")


def text_of(*cells: str, name: str = "y") -> bytes:
    """Return a file of days and one column of quoted cells."""
    rows = (f'2020-01-{row:02d},"{cell}"' for row, cell in enumerate(cells, start=1))
    return "\n".join([f"date,{name}", *rows, ""]).encode()


def read(data: bytes, text: TextSettings = TextSettings(), **options: object) -> Table:  # noqa: B008
    return read_table("-", targets=["y"], text=text, stdin=io.BytesIO(data), **options)


def values(table: Table) -> list[float]:
    return table.values[:, 0].tolist()


def rules(table: Table) -> list[str]:
    return [finding.rule for finding in table.findings]


def error_of(data: bytes, text: TextSettings = TextSettings(), **options: object) -> DataError:  # noqa: B008
    with pytest.raises(DataError) as caught:
        read(data, text, **options)
    return caught.value


def test_marks_units_and_codes_are_read_as_the_options_say():
    assert values(read(text_of("1.234,5", "12", "-0,5"), GERMAN)) == [1234.5, 12, -0.5]
    assert values(read(text_of("$1,234", "($5)", "$2K"), TextSettings(units=True))) == [1234, -5, 2000]
    coded = read(text_of("5", "?", "-200.0", "6"), TextSettings(na_value=("?", "-200")))
    assert values(coded) == pytest.approx([5, np.nan, np.nan, 6], nan_ok=True)
    assert rules(coded) == []


def test_a_number_without_whole_groups_is_an_error_and_not_15():
    error = error_of(text_of("1.234,5", "1.5"), GERMAN)
    assert (error.rule, error.at.lines) == ("D302", (3,))


@pytest.mark.parametrize("cells", [("40,000.0", "987", "39,712.5"), ("987.5", "1,234", "1,234.5", "")])
def test_thousands_separators_are_detected_with_a_warning(cells):
    table = read(text_of(*cells))
    expected = [float(cell.replace(",", "")) if cell else np.nan for cell in cells]
    assert values(table) == pytest.approx(expected, nan_ok=True)
    [finding] = table.findings
    first = next(row for row, cell in enumerate(cells) if "," in cell)
    assert (finding.rule, finding.lines, finding.count) == ("D316", (2 + first,), 2)
    assert "--thousands ," in finding.text
    assert rules(read(text_of(*cells), TextSettings(thousands=","))) == []


@pytest.mark.parametrize(
    "cells", [("1,234", "2,345"), ("1.5", "1,234.5"), ("1,234.5", "2,345.5", "12,5"), ("1.234,5", "2.345,5")]
)
def test_other_columns_with_commas_are_refused_with_an_option(cells):
    error = error_of(text_of(*cells))
    assert error.rule == "D302"
    assert "--thousands" in error.hint or "--decimal" in error.hint


def test_a_later_cell_may_not_contradict_detected_separators(monkeypatch):
    monkeypatch.setattr("lstm_cli.data.reading.file_readers.SAMPLE_ROWS", 2)
    assert error_of(text_of("1,234.5", "2,345.5", "12,5")).at.lines == (4,)


def test_a_detected_column_can_be_the_only_numeric_one():
    table = read_table("-", stdin=io.BytesIO(text_of("1,234.5", "2,345.5", "3,456.0")))
    assert (table.targets, values(table)) == (("y",), [1234.5, 2345.5, 3456])


def test_named_marks_leave_no_doubt_about_dots():
    cells = ("987", "1.234", "12.345")
    data = text_of(*cells)
    assert rules(read(data)) == ["D312"]
    assert "--decimal , --thousands ." in read(data).findings[0].text
    assert values(read(data, GERMAN)) == [987, 1234, 12345]
    plain = read(data, TextSettings(decimal="."))
    assert (values(plain), rules(plain)) == ([987, 1.234, 12.345], [])


def test_files_of_one_data_set_have_one_unit(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(text_of("$5", "$6"))
    (tmp_path / "b.csv").write_bytes(text_of("€5").replace(b"2020", b"2021"))
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    with pytest.raises(
        DataError, match=r"b\.csv, line 2, column 'y': '€5' has the unit '€', but line 2 of .*a\.csv"
    ):
        read_table(paths, targets=["y"], text=TextSettings(units=True))


# New data.


@pytest.mark.parametrize(
    ("cells", "expected", "found"),
    [
        (("1.234,5", "2"), [1234.5, 2], []),
        (("1234.5", "2.25"), [1234.5, 2.25], []),
        (("1234", "2"), [1234, 2], []),
        (("1.234", "2.5"), [1.234, 2.5], []),
        (("1.234", "2.345"), [1234, 2345], []),
    ],
)
def test_new_data_have_the_format_of_the_run_or_plain_numbers(cells, expected, found):
    table = read(text_of(*cells), GERMAN, plain_numbers_ok=True)
    assert (values(table), rules(table)) == (expected, found)


@pytest.mark.parametrize(
    ("limits", "expected", "found"),
    [
        ((900, 5000), [1234, 2345], []),
        ((0.5, 4), [1.234, 2.345], ["D319"]),
        ((-9, 2000), None, None),
        (None, None, None),
    ],
)
def test_of_two_readings_the_one_inside_the_training_range_counts(limits, expected, found):
    options = {"plain_numbers_ok": True, "range_of": lambda name: limits}
    data = text_of("1.234", "2.345", "7")
    if expected is None:
        error = error_of(data, GERMAN, **options)
        assert (error.rule, error.at.column) == ("D321", "y")
        assert "'1.234' can be 1234 with --decimal , --thousands ., or 1.234" in error.message
        assert error.hint.startswith("use --decimal . for plain decimals, or --decimal , --thousands .")
    else:
        table = read(data, GERMAN, **options)
        assert (values(table), rules(table)) == ([*expected, 7], found)


def test_new_data_with_two_formats_are_refused():
    assert error_of(text_of("1.234,5", "2.25"), GERMAN, plain_numbers_ok=True).at.lines == (3,)
    assert error_of(text_of("1234.5"), GERMAN).at.lines == (2,)  # without a run, the options are strict


def test_marks_given_for_new_data_replace_all_marks_of_the_run():
    run = TextSettings(decimal=",", thousands=".", units=True, na_value=("?",), encoding="latin-1")
    assert TextSettings(decimal=".").over(run) == TextSettings(
        decimal=".", na_value=("?",), encoding="latin-1"
    )
    assert TextSettings(na_value=("-200",)).over(run) == TextSettings(
        decimal=",", thousands=".", units=True, na_value=("-200",), encoding="latin-1"
    )


# Parquet.


def test_parquet_numbers_have_codes_but_no_marks(tmp_path: Path):
    days = pa.array(np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]"))
    columns = {"date": days, "y": [1.5, -200, 2.5, 3], "x": ["1.234,5", "-200,0", "2", ""]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    text = TextSettings(decimal=",", thousands=".", na_value=("-200",))
    table = read_table(str(tmp_path / "a.parquet"), targets=["y"], past=["x"], text=text)
    assert values(table) == pytest.approx([1.5, np.nan, 2.5, 3], nan_ok=True)
    assert table.values[:, 1].tolist() == pytest.approx([1234.5, np.nan, 2, np.nan], nan_ok=True)


def test_parquet_text_with_thousands_is_detected(tmp_path: Path):
    pq.write_table(pa.table({"y": ["1,234.5", "2,345.5"]}), tmp_path / "a.parquet")
    table = read_table(str(tmp_path / "a.parquet"), targets=["y"])
    assert values(table) == [1234.5, 2345.5]
    assert "D316" in rules(table)


# The profile of `check`.


@pytest.mark.parametrize(
    ("cells", "text", "missing", "low", "high"),
    [
        (
            ("1.234,5", "-200,0", "?", "7"),
            TextSettings(decimal=",", thousands=".", na_value=("-200", "?")),
            2,
            7,
            1234.5,
        ),
        (("1,234.5", "2,345.5"), TextSettings(), 0, 1234.5, 2345.5),
        (("$5", "$1K"), TextSettings(units=True), 0, 5, 1000),
    ],
)
def test_the_profile_has_the_numbers_of_the_reader(cells, text, missing, low, high):
    column = profile_files("-", text=text, stdin=io.BytesIO(text_of(*cells))).columns[1]
    assert (column.reads_as, column.missing, column.min_value, column.max_value) == (
        "number",
        missing,
        low,
        high,
    )


def test_the_profile_counts_cells_of_another_format():
    data = text_of("1.234,5", "2.345,5", "3.5", "7", "x")
    column = profile_files("-", text=GERMAN, stdin=io.BytesIO(data)).columns[1]
    assert (column.non_numeric, column.first_non_numeric) == (2, (4, "3.5"))
    units = profile_files(
        "-", text=TextSettings(units=True), stdin=io.BytesIO(text_of("$5", "€6", "$7"))
    ).columns[1]
    assert units.first_non_numeric == (3, "€6")


# Reading in bulk.

NUMBERS = st.one_of(
    st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}"),
    st.sampled_from(
        ["1e3", "-200", "-200.0", "1,5", "1,234", "?", " ?", "??", "n.k.", "", "NA", "-0.0", "1e-400"]
    ),
)


@settings(max_examples=60)
@given(
    st.lists(NUMBERS, min_size=30, max_size=40),
    st.sampled_from([",", ".", None]),
    st.sampled_from([(), ("?",), ("-200", "?"), ("n.k.",)]),
)
def test_large_files_are_read_like_small_ones(cells, decimal, codes):
    text = TextSettings(decimal=decimal, na_value=codes, delimiter=";")
    cells = [cell.replace(".", decimal or ".") if cell[-1:].isdigit() else cell for cell in cells]
    rows = (
        f"2020-01-01T{row // 60:02d}:{row % 60:02d};{cell};1" for row, cell in enumerate(["5", "6", *cells])
    )
    data = "\n".join(["date;y;z", *rows, ""]).encode()
    results = []
    for limit in (40, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            for name, size in (
                ("HEAD_BYTES", 0),
                ("SAMPLE_ROWS", 0),
                ("BLOCK_BYTES", 60),
                ("TAIL_BYTES", 20),
            ):
                patch.setattr(csv_fast, name, size)
            patch.setattr(csv_fast, "BULK_MIN_BYTES", limit)
            patch.setattr("lstm_cli.data.reading.source._BLOCK", 16)
            patch.setattr("lstm_cli.data.reading.source._HEAD", 16)
            patch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", 1)
            try:
                table = read(data, text)
                results.append((table.values.tobytes(), table.findings))
            except DataError as error:
                results.append((error.message, error.hint))
    assert results[0] == results[1]


def test_a_large_file_with_codes_and_decimal_commas_is_read_in_bulk(monkeypatch):
    cells = [f"{row},5" if row % 7 else "?" for row in range(1200)]
    rows = (f"2020-01-01T{row // 60:02d}:{row % 60:02d};{cell}\n" for row, cell in enumerate(cells))
    monkeypatch.setattr(csv_fast, "BULK_MIN_BYTES", 2000)
    monkeypatch.setattr(csv_fast, "HEAD_BYTES", 500)
    monkeypatch.setattr(csv_fast, "SAMPLE_ROWS", 10)
    monkeypatch.setattr(csv_fast, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(csv_fast, "TAIL_BYTES", 100)
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 512)
    blocks = []
    original = csv_fast.read_block
    monkeypatch.setattr(csv_fast, "read_block", lambda *given: blocks.append(original(*given)) or blocks[-1])
    table = read(
        gzip.compress(("date;y\n" + "".join(rows)).encode()),
        TextSettings(decimal=",", na_value=("?",), delimiter=";"),
    )
    assert blocks
    assert all(block is not None for block in blocks)
    np.testing.assert_array_equal(
        table.values[:, 0], [row + 0.5 if row % 7 else np.nan for row in range(1200)]
    )


def test_new_numbers_need_the_unit_of_the_run(tmp_path):
    text = TextSettings(units=True)
    known = read(text_of("5 kWh", "6 kWh"), text).units
    assert known == {"y": "kWh"}
    new = {"units": known, "plain_numbers_ok": True}
    assert values(read(text_of("7 kWh"), text, **new)) == [7]
    error = error_of(text_of("", "7 MWh"), text, **new)
    assert (error.rule, error.at.lines) == ("D318", (3,))
    assert "'7 MWh' has the unit 'MWh', but the training data have the unit 'kWh'" in error.message
    ranged = {**new, "range_of": lambda name: (0, 6)}
    assert "use --units if the numbers are in 'kWh'" in error_of(text_of("7"), text, **ranged).hint
    assert values(read(text_of("7"), text, **new)) == [7]  # an option says so
    assert values(read(text_of("7"), TextSettings(decimal="."), units=known)) == [7]
    path = tmp_path / "new.parquet"
    pq.write_table(pa.table({"date": ["2020-01-01", "2020-01-02"], "y": [None, 7.0]}), path)
    with pytest.raises(DataError, match=r"row 2, column 'y': '7\.0' has no unit"):
        read_table(str(path), targets=["y"], text=text, units=known)


@pytest.mark.parametrize("cells", [("(5)", "6"), ("0.005K", "6"), ("5", "6 kWh", "900")])
def test_new_numbers_without_a_unit_are_read_inside_the_training_range(cells):
    options = {"units": {"y": "kWh"}, "plain_numbers_ok": True, "range_of": lambda name: (-9, 999)}
    [finding] = read(text_of(*cells), TextSettings(units=True), **options).findings
    assert (finding.rule, finding.lines, finding.count) == ("D322", (2,), 2)
    assert f"2 new numbers without a unit, such as '{cells[0]}', read in 'kWh'" in finding.text
    outside = {**options, "range_of": lambda name: (5000, 9000)}
    assert error_of(text_of(*cells), TextSettings(units=True), **outside).rule == "D318"


def test_parquet_numbers_are_read_inside_the_training_range(tmp_path):
    path = tmp_path / "new.parquet"
    pq.write_table(pa.table({"date": ["2020-01-01", "2020-01-02"], "y": [5.0, 7.0]}), path)
    options = {"units": {"y": "kWh"}, "plain_numbers_ok": True, "range_of": lambda name: (0, 9)}
    table = read_table(str(path), targets=["y"], text=TextSettings(units=True), **options)
    assert values(table) == [5, 7]


def test_new_numbers_without_a_unit_keep_the_format_of_the_run_or_are_plain():
    text = TextSettings(units=True, decimal=",", thousands=".")
    known = read(text_of("5,5 €", "6 €"), text).units
    assert values(read(text_of("5.5 €", "6 €"), text, units=known, plain_numbers_ok=True)) == [5.5, 6]
    assert error_of(text_of("5.5 $", "6 $"), text, units=known, plain_numbers_ok=True).rule == "D318"


@pytest.mark.parametrize(
    "text", [TextSettings(), TextSettings(no_header=True), TextSettings(names=("day", "x"))]
)
def test_new_data_without_a_header_get_the_names_of_the_run(text):
    read_run = {"time": ("date",), "like": TimeFormat()}
    error = error_of(b"2020-01-01,5\n2020-01-02,6\n", text, **read_run)
    assert "in the order of the file: --names date,y (" in error.hint
    table = read(b"2020-01-01,5\n2020-01-02,6\n", TextSettings(names=("date", "y")), **read_run)
    assert values(table) == [5, 6]
