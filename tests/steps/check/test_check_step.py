"""Tests of `check` on small files: planted faults are found with their lines; clean files have no findings."""

import gzip
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_steps import write_panel

from lstm_cli.config import PrepareConfig
from lstm_cli.errors import DataError, OutputError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.steps.check import check
from lstm_cli.steps.check.report import CheckReport
from lstm_cli.steps.prepare import prepare

SAMPLE = Path(__file__).parents[3] / "sample_data"
HOURS = 24 * 21
Y = PrepareConfig(target=("y",))


def hours(start: str = "2024-01-01T00", count: int = HOURS) -> list[str]:
    times = np.datetime64(start) + np.arange(count)
    return [f"{time.replace('T', ' ')}:00" for time in times.astype(str)]


def load(count: int = HOURS, *, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """Return numbers with a daily cycle and noise."""
    rows = np.arange(count)
    return 10 + 3 * np.sin(rows * 2 * np.pi / 24) + np.random.default_rng(seed).normal(0, noise, count)


def cells(values: np.ndarray) -> list[str]:
    return [f"{value:.4f}" for value in values]


def write(path: Path, **columns: list[str]) -> str:
    """Write a CSV of columns. A row with None in the first column is left out."""
    lines = [",".join(columns)]
    lines += [",".join(row) for row in zip(*columns.values(), strict=True) if row[0] is not None]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def found(report: CheckReport, kind: str) -> list[dict[str, Any]]:
    return [finding for finding in report.findings if finding["kind"] == kind]


def only(report: CheckReport, kind: str) -> dict[str, Any]:
    assert [finding["kind"] for finding in report.findings] == [kind], report.findings
    return report.findings[0]


# Clean files of each common shape.


def clean_hourly(path: Path) -> tuple[str, PrepareConfig]:
    return write(path, time=hours(), y=cells(load())), Y


def clean_monthly(path: Path) -> tuple[str, PrepareConfig]:
    months = (np.datetime64("2015-01") + np.arange(72)).astype("datetime64[D]").astype(str)
    values = 100 + np.arange(72) + 9 * np.sin(np.arange(72) * np.pi / 6)
    return write(path, month=list(months), y=cells(values + load(72, noise=1) / 5)), Y


def clean_steps(path: Path) -> tuple[str, PrepareConfig]:
    return write(path, y=cells(load(200)), z=cells(load(200, seed=1))), Y


def clean_covariates(path: Path) -> tuple[str, PrepareConfig]:
    rng = np.random.default_rng(5)
    wind, price = rng.gamma(2, 3, HOURS), rng.normal(size=HOURS).cumsum()
    holiday = (np.arange(HOURS) // 24 % 9 == 0).astype(float)  # rare, and no outlier
    y = load() + 0.5 * wind + 2 * holiday
    source = write(
        path, time=hours(), y=cells(y), wind=cells(wind), price=cells(price), holiday=cells(holiday)
    )
    return source, replace(Y, past=("wind",), future=("holiday",))


def clean_panel(path: Path) -> tuple[str, PrepareConfig]:
    config = PrepareConfig(target=("sales",), past=("price",), future=("promo",), series=("shop",))
    return str(write_panel(path)), config


def clean_walk(path: Path) -> tuple[str, PrepareConfig]:
    """Write prices of business days without a season, and with steps of all sizes."""
    days = np.datetime64("2020-01-01") + np.arange(700)
    days = days[np.is_busday(days)]
    steps = np.random.default_rng(3).standard_t(4, len(days))
    return write(path, day=list(days.astype(str)), y=cells(100 + steps.cumsum())), Y


@pytest.mark.parametrize(
    "shape", [clean_hourly, clean_monthly, clean_steps, clean_covariates, clean_panel, clean_walk]
)
def test_a_clean_file_yields_nothing(shape: Any, tmp_path: Path) -> None:
    source, config = shape(tmp_path / "clean.csv")
    report = check(source, config, ignore_events)
    reported = [finding for finding in report.findings if "no time column found" not in finding["text"]]
    assert reported == []
    assert report.outliers == []
    assert report.holes == {"count": 0, "longest": None, "places": []}
    assert report.doubles == {"count": 0, "lines": []}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ETTh1.csv", PrepareConfig(target=("OT",), past=("HUFL", "MUFL"))),
        ("monthly.csv", PrepareConfig()),
        ("business_days.csv", PrepareConfig()),
    ],
)
def test_the_sample_data_are_clean(name: str, config: PrepareConfig) -> None:
    report = check(str(SAMPLE / name), config, ignore_events)
    assert [finding for finding in report.findings if finding["kind"] != "reading"] == []


def test_the_report_of_the_sample_is_what_prepare_reports(tmp_path: Path) -> None:
    source, config = clean_covariates(tmp_path / "a.csv")
    config = replace(config, horizon=12, val="48", test="0.1")
    ours = check(source, config, ignore_events).to_json()
    theirs = prepare(source, tmp_path / "run", config, ignore_events).to_json()
    same = ("source", "rows", "targets", "past", "future", "series", "freq", "seasons", "season_reason")
    for name in (*same, "lookback", "horizon", "windows", "split_rows"):
        assert ours[name] == theirs[name], name


def test_each_column_is_reported_with_its_type(tmp_path: Path) -> None:
    words = ["low", "high"] * (HOURS // 2)
    holey = cells(load(seed=2))
    holey[5] = holey[9] = "NA"
    source = write(
        tmp_path / "a.csv",
        time=hours(),
        y=cells(load()),
        level=words,
        fixed=["7"] * HOURS,
        site=["Bonn"] * HOURS,
        void=[""] * HOURS,
        holey=holey,
        made=hours("2023-06-01T00"),
    )
    report = check(source, Y, ignore_events)
    read = {column["name"]: column["reads_as"] for column in report.columns}
    assert read == {
        "time": "time",
        "y": "number",
        "level": "text",
        "fixed": "constant",
        "site": "constant",
        "void": "empty",
        "holey": "number",
        "made": "time",
    }
    parts = {column["name"]: column["part"] for column in report.columns}
    assert (parts["time"], parts["y"], parts["level"]) == ("time", "target", None)
    by_name = {column["name"]: column for column in report.columns}
    assert (by_name["holey"]["missing"], by_name["holey"]["first_missing"]) == (2, 7)
    assert (by_name["void"]["missing"], by_name["fixed"]["value"]) == (HOURS, "7")
    assert by_name["y"]["least"] == pytest.approx(load().min(), abs=1e-4)
    reported = {(finding["kind"], finding["column"]): finding for finding in report.findings}
    assert set(reported) == {("constant", "fixed"), ("constant", "site"), ("empty", "void")}
    assert {finding["severity"] for finding in report.findings} == {"note"}
    assert reported["empty", "void"]["lines"] == (2,)


def test_each_gap_is_reported_with_the_longest(tmp_path: Path) -> None:
    times: list[Any] = hours()
    for row in (100, *range(200, 205)):
        times[row] = None
    report = check(write(tmp_path / "a.csv", time=times, y=cells(load())), Y, ignore_events)
    # Line 1 is the header, so row 99 is on line 101. One line is missing before row 199.
    first = {"line": 101, "series": None, "from": "2024-01-05 04:00", "to": "2024-01-05 04:00", "rows": 1}
    longest = {"line": 200, "series": None, "from": "2024-01-09 08:00", "to": "2024-01-09 12:00", "rows": 5}
    assert report.holes == {"count": 6, "longest": longest, "places": [first, longest]}
    finding = only(report, "reading")
    assert (finding["severity"], finding["lines"], finding["flags"]) == ("warning", (101,), ("--missing",))


def test_gaps_of_a_panel_name_their_series(tmp_path: Path) -> None:
    lines = write_panel(tmp_path / "a.csv", ahead=0).read_text().splitlines()
    assert lines[140].startswith("2024-01-10,B")
    del lines[140]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    config = PrepareConfig(target=("sales",), series=("shop",))
    holes = check(str(tmp_path / "a.csv"), config, ignore_events).holes
    assert holes is not None
    assert (holes["count"], holes["longest"]["series"], holes["longest"]["line"]) == (1, "B", 140)


def test_the_same_row_twice(tmp_path: Path) -> None:
    times, values = hours(), cells(load())
    source = write(
        tmp_path / "a.csv", time=[*times[:50], times[49], *times[50:]], y=[*values[:50], *values[49:]]
    )
    report = check(source, Y, ignore_events)
    assert report.doubles == {"count": 1, "lines": [52]}
    assert "1 duplicate row, the first equal to line 51" in only(report, "reading")["text"]


def test_missing_cells_have_their_line(tmp_path: Path) -> None:
    times: list[Any] = hours()
    values = cells(load())
    times[20] = None  # a gap before the first missing value
    values[30] = values[31] = ""
    report = check(write(tmp_path / "a.csv", time=times, y=values), Y, ignore_events)
    reported = [finding for finding in report.findings if "missing value" in finding["text"]]
    assert len(reported) == 1
    assert reported[0]["text"].endswith(
        "2 missing values, first 'y' at 2024-01-02 06:00 (line 31); interpolated as inputs, "
        "never used as targets (--missing interpolate)"
    )
    assert reported[0]["lines"] == (31,)


@pytest.mark.parametrize(
    ("start", "skipped"),
    [
        ("2024-03-20T00", ["2024-03-31 02:00"]),  # Berlin
        ("2024-03-05T00", ["2024-03-10 02:00"]),  # New York
        ("2024-09-28T00", ["2024-10-06 02:00"]),  # Sydney
        ("2024-03-20T00", ["2024-03-31 02:00", "2024-04-03 09:00"]),  # with a gap of another kind
    ],
)
def test_an_hour_that_clocks_skip_in_spring(tmp_path: Path, start: str, skipped: list[str]) -> None:
    times: list[Any] = [None if time in skipped else time for time in hours(start)]
    report = check(write(tmp_path / "a.csv", time=times, y=cells(load())), Y, ignore_events)
    finding = found(report, "daylight-saving")[0]
    line = times.index(None) + 1
    assert finding["lines"] == (line,)
    assert f"line {line}: {skipped[0]} is missing" in finding["text"]
    assert "1 such hour" in finding["text"]
    assert finding["flags"][0] == "--tz"
    assert "(--tz " in finding["text"]
    expected = {"skipped": 1, "skipped_after": [line], "told_twice": 0, "told_twice_lines": []}
    assert report.daylight_saving == expected


@pytest.mark.parametrize(
    ("start", "gone"),
    [
        ("2024-03-20T00", "2024-03-30 02:00"),  # a Saturday
        ("2024-06-01T00", "2024-06-09 02:00"),  # a Sunday in June
        ("2024-10-20T00", "2024-10-27 02:00"),  # an hour is repeated, and no hour is skipped
        ("2024-03-20T00", "2024-03-31 13:00"),
    ],
)
def test_another_missing_hour_is_only_a_gap(tmp_path: Path, start: str, gone: str) -> None:
    times: list[Any] = [None if time == gone else time for time in hours(start)]
    report = check(write(tmp_path / "a.csv", time=times, y=cells(load())), Y, ignore_events)
    only(report, "reading")


def test_times_with_offsets_skip_nothing(tmp_path: Path) -> None:
    times: list[Any] = [f"{time}Z" for time in hours("2024-03-20T00")]
    times[times.index("2024-03-31 02:00Z")] = None
    report = check(write(tmp_path / "a.csv", time=times, y=cells(load())), Y, ignore_events)
    only(report, "reading")


def test_a_duplicate_hour_is_the_error_of_prepare(tmp_path: Path) -> None:
    times = hours("2024-10-20T00")
    twice = times.index("2024-10-27 02:00")
    source = write(tmp_path / "a.csv", time=[*times[: twice + 1], *times[twice:]], y=cells(load(HOURS + 1)))
    refused = common_refusal(source, Y, tmp_path)
    assert "repeated daylight-saving hour" in refused.hint
    report = refused.report
    assert isinstance(report, CheckReport)
    assert report.doubles == {"count": 1, "lines": [twice + 3]}
    assert report.daylight_saving is not None
    assert report.daylight_saving["told_twice_lines"] == [twice + 3]
    assert found(report, "refused")[0]["lines"] == (twice + 2, twice + 3)


def common_refusal(source: str, config: PrepareConfig, folder: Path) -> DataError:
    """Return the error of `check`, after a check that `prepare` raises an equal error."""
    with pytest.raises(DataError) as theirs:
        prepare(source, folder / "run", config, ignore_events)
    with pytest.raises(DataError) as ours:
        check(source, config, ignore_events)
    assert (ours.value.message, ours.value.hint) == (theirs.value.message, theirs.value.hint)
    assert ours.value.exit_code == 3
    return ours.value


def test_a_constant_target_and_a_constant_covariate(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", time=hours(), y=["5.5"] * HOURS, x=["1"] * HOURS)
    report = check(source, replace(Y, past=("x",)), ignore_events)
    reported = {finding["column"]: finding for finding in found(report, "constant")}
    assert (reported["y"]["severity"], reported["x"]["severity"]) == ("warning", "note")
    assert "line 2, column 'y': the column is constant (504 values, all 5.5" in reported["y"]["text"]
    assert (reported["y"]["flags"], reported["x"]["flags"]) == (("--target",), ("--past",))


def test_a_series_of_a_panel_that_never_changes(tmp_path: Path) -> None:
    days = (np.datetime64("2024-01-01") + np.arange(60)).astype(str)
    rows = [f"{day},A,{value:.3f}" for day, value in zip(days, load(60), strict=True)]
    rows += [f"{day},B,4" for day in days]
    (tmp_path / "a.csv").write_text("day,id,y\n" + "\n".join(rows) + "\n")
    (finding,) = found(
        check(str(tmp_path / "a.csv"), replace(Y, series=("id",)), ignore_events), "constant-series"
    )
    assert (finding["severity"], finding["lines"], finding["count"]) == ("note", (62,), 1)
    assert "1 of 2 series are constant: 'B'" in finding["text"]


def test_outliers_have_their_lines_and_values(tmp_path: Path) -> None:
    values = cells(load())
    for row, slip in ((40, "99"), (200, "-40"), (HOURS - 2, "0.1")):
        values[row] = slip
    report = check(write(tmp_path / "a.csv", time=hours(), y=values), Y, ignore_events)
    expected = {"column": "y", "count": 3, "lines": [42, 202, HOURS], "values": [99.0, -40.0, 0.1]}
    assert report.outliers == [expected]
    finding = only(report, "outliers")
    assert (finding["severity"], finding["lines"], finding["count"]) == ("warning", (42, 202, HOURS), 3)
    assert "line 42, column 'y': 99 is an outlier, far from " in finding["text"]
    assert f"3 such values, also in lines 202, {HOURS}" in finding["text"]
    assert finding["flags"] == ("--outliers", "--scaler")


COPIES = {
    "copy": (lambda y: y, 0),
    "other unit": (lambda y: np.round(1.8 * y + 32, 4), 0),
    "tomorrow": (lambda y: np.roll(y, -24), 24),
    "next": (lambda y: np.roll(-y, -1), 1),
    "last": (lambda y: np.roll(y, 1), -1),
    "long ago": (lambda y: np.roll(y, 24), -24),
}


@pytest.mark.parametrize(
    ("copy", "role", "severity"),
    [
        ("copy", "future", "warning"),
        ("copy", "past", "note"),
        ("copy", None, "note"),
        ("other unit", "future", "warning"),
        ("tomorrow", "past", "warning"),
        ("tomorrow", "future", "warning"),
        ("next", "past", "warning"),
        ("next", None, "note"),
        ("last", "future", "warning"),  # of 24 steps ahead, 23 are not known
        ("last", "past", None),
        ("last", None, None),
        ("long ago", "future", None),  # known for all 24 steps ahead
    ],
)
def test_a_column_that_gives_the_target_away(
    tmp_path: Path, copy: str, role: str | None, severity: str | None
) -> None:
    y = load() + np.random.default_rng(1).normal(size=HOURS).cumsum()
    make, ahead = COPIES[copy]
    source = write(tmp_path / "a.csv", time=hours(), y=cells(y), x=cells(make(y)))
    config = replace(Y, horizon=24, season="none", **({role: ("x",)} if role else {}))
    report = check(source, config, ignore_events)
    if severity is None:
        assert report.findings == []
        return
    finding = only(report, "leak")
    assert (finding["severity"], finding["column"], finding["lines"]) == (severity, "x", (2,))
    steps = f"{abs(ahead)} step" if ahead else "of the same row"
    assert steps in finding["text"]
    assert ("--future" in finding["flags"]) == (role != "past")
    warned = prepare(source, tmp_path / "run", config, ignore_events).warnings
    assert (finding["text"] in warned) == (severity == "warning")


def test_common_trends_and_seasons_are_not_leakage(tmp_path: Path) -> None:
    rows = np.arange(HOURS)
    season = 3 * np.sin(rows * 2 * np.pi / 24)
    rng = np.random.default_rng(0)
    y, x = (0.5 * rows + season + rng.normal(0, 0.3, HOURS) for _ in range(2))
    assert np.corrcoef(y, x)[0, 1] > 0.9999
    source = write(tmp_path / "a.csv", time=hours(), y=cells(y), x=cells(x))
    assert check(source, replace(Y, future=("x",)), ignore_events).findings == []


def test_a_cell_that_is_not_a_number_in_an_unnamed_column(tmp_path: Path) -> None:
    other = cells(load(seed=1))
    other[7], other[9] = "12 %", "n.d."
    source = write(tmp_path / "a.csv", time=hours(), y=cells(load()), other=other)
    finding = only(check(source, Y, ignore_events), "no-number")
    assert (finding["severity"], finding["lines"], finding["count"]) == ("note", (9,), 2)
    assert (
        "line 9, column 'other': '12 %' is not a plain number (percent sign), 2 such cells" in finding["text"]
    )
    refused = common_refusal(source, replace(Y, past=("other",)), tmp_path)
    report = refused.report
    assert isinstance(report, CheckReport)
    assert found(report, "refused")[0]["severity"] == "error"
    assert [column["reads_as"] for column in report.columns] == ["time", "number", "number"]
    assert (report.windows, report.expected) == (None, None)


def test_without_a_target_only_findings_of_columns_are_reported(tmp_path: Path) -> None:
    slip = cells(load(seed=1))
    slip[40] = "99"
    times: list[Any] = hours()
    times[100] = None
    y = cells(load())
    source = write(tmp_path / "a.csv", time=times, y=y, copy=y, slip=slip)
    report = check(source, PrepareConfig(), ignore_events)
    assert not report.target_named
    assert (report.targets, report.freq, report.series) == ((), "h", 1)
    assert report.holes is not None
    assert report.holes["count"] == 1
    kinds = [(finding["kind"], finding["severity"]) for finding in report.findings]
    assert kinds == [("reading", "warning"), ("outliers", "note"), ("no-target", "note")]
    assert found(report, "no-target")[0]["flags"] == ("--target",)
    assert {item["column"] for item in report.strength} == {"y", "copy", "slip"}
    assert report.windows is not None
    with pytest.raises(DataError, match="must be named"):
        prepare(source, tmp_path / "run", PrepareConfig(), ignore_events)


def test_without_a_target_a_column_that_cannot_be_read_is_not_a_target(tmp_path: Path) -> None:
    odd = cells(load(seed=1))
    odd[7] = "n.d."
    report = check(
        write(tmp_path / "a.csv", time=hours(), y=cells(load()), odd=odd), PrepareConfig(), ignore_events
    )
    kinds = [(finding["kind"], finding["severity"]) for finding in report.findings]
    assert kinds == [("no-target", "note"), ("no-number", "note")]
    assert {item["column"] for item in report.strength} == {"y"}


def test_times_of_digits_are_not_a_candidate_for_the_target(tmp_path: Path) -> None:
    years = [str(1950 + row) for row in range(60)]
    source = write(tmp_path / "a.csv", year=years, y=cells(load(60)), z=cells(load(60, seed=1)))
    report = check(source, PrepareConfig(), ignore_events)
    assert report.freq == "YS"
    assert [column["reads_as"] for column in report.columns] == ["time", "number", "number"]
    source = write(tmp_path / "b.csv", year=years, y=cells(load(60)))
    assert check(source, PrepareConfig(), ignore_events).targets == ("y",)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("time,y\n2024-01-01,1\n2024-01-02,x\n", Y),
        ("time,y\n2024-01-01,1\n2024-01-02,2\n", replace(Y, target=("x",))),
        ("time,y\n2024-01-01,1\n2024-01-02,2\n", replace(Y, horizon=5)),
        ("time,note\n2024-01-01,a\n2024-01-02,b\n", PrepareConfig()),
    ],
)
def test_an_error_is_that_of_prepare_with_the_known_facts(
    tmp_path: Path, text: str, config: PrepareConfig
) -> None:
    (tmp_path / "a.csv").write_text(text)
    refused = common_refusal(str(tmp_path / "a.csv"), config, tmp_path)
    report = refused.report
    assert isinstance(report, CheckReport)
    assert (report.rows, len(report.columns)) == (2, 2)
    assert report.refused == {"message": refused.message, "hint": refused.hint}
    json.dumps(report.to_json(), allow_nan=False)


NO_TABLES = ("", "\n\n", "time,y\n", "<html></html>", "1,2\n3,4\n", "a,b\n1,2\n3\n", 'a,b\n1,"2\n')


@pytest.mark.parametrize("text", NO_TABLES)
def test_a_file_that_is_not_a_table_is_refused_as_in_prepare(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    refused = common_refusal(str(tmp_path / "a.csv"), PrepareConfig(), tmp_path)
    assert refused.report is None


def test_wrong_settings_are_errors_before_the_file_is_read(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="--test"):
        check(absent, PrepareConfig(test="1.5"), ignore_events)
    with pytest.raises(UsageError, match=r"--plot 'a\.jpg' is not the name of a PNG, SVG or PDF file"):
        check(absent, Y, ignore_events, plot="a.jpg")
    with pytest.raises(OutputError, match="folder not found"):
        check(absent, Y, ignore_events, plot=str(tmp_path / "nowhere" / "a.png"))


def test_the_picture_never_replaces_the_data(tmp_path: Path) -> None:
    source = Path(clean_hourly(tmp_path / "data.png")[0])
    before = source.read_bytes()
    with pytest.raises(UsageError, match="input file itself") as refused:
        check(str(source), Y, ignore_events, plot=str(source))
    assert refused.value.hint == "name another file with --plot"
    assert source.read_bytes() == before


def test_only_the_picture_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clean_hourly(tmp_path / "a.csv")[0]
    monkeypatch.chdir(tmp_path)
    check(source, Y, ignore_events)
    assert os.listdir(tmp_path) == ["a.csv"]  # noqa: PTH208
    report = check(source, Y, ignore_events, plot="a.png")
    assert (report.picture, sorted(os.listdir(tmp_path))) == ("a.png", ["a.csv", "a.png"])  # noqa: PTH208
    assert Image.open(tmp_path / "a.png").size[0] == 1000


def test_the_known_part_of_a_refused_file_is_drawn(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", time=hours(count=40), y=cells(load(40)))
    with pytest.raises(DataError, match="too short"):
        check(source, replace(Y, horizon=30), ignore_events, plot=str(tmp_path / "a.png"))
    assert Image.open(tmp_path / "a.png").size[0] == 1000
    (tmp_path / "b.csv").write_text("time,y\n2024-01-01,1\n2024-01-02,x\n")
    with pytest.raises(DataError) as refused:
        check(str(tmp_path / "b.csv"), Y, ignore_events, plot=str(tmp_path / "b.png"))
    report = refused.value.report
    assert isinstance(report, CheckReport)
    assert report.picture is None
    assert not (tmp_path / "b.png").exists()


def test_standard_input_gzip_and_parquet_read_as_the_file_does(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = cells(load())
    values[40] = "99"
    source = write(tmp_path / "a.csv", time=hours(), y=values, word=["a", "b"] * (HOURS // 2))
    text = Path(source).read_bytes()
    plain = check(source, Y, ignore_events)
    (tmp_path / "a.gz").write_bytes(gzip.compress(text))
    times = pa.array(hours()).cast(pa.timestamp("s"))
    table = {"time": times, "y": [float(value) for value in values], "word": ["a", "b"] * (HOURS // 2)}
    pq.write_table(pa.table(table | {"nested": [[1]] * HOURS}), tmp_path / "a.parquet")
    piped = check("-", Y, ignore_events, stdin=io.BytesIO(text))
    zipped = check(str(tmp_path / "a.gz"), Y, ignore_events)
    columns = check(str(tmp_path / "a.parquet"), Y, ignore_events)
    for other in (piped, zipped):
        assert (other.columns, other.outliers, other.windows) == (
            plain.columns,
            plain.outliers,
            plain.windows,
        )
    assert columns.outliers == [plain.outliers[0] | {"lines": [41]}]  # rows of Parquet have no header above
    assert [column["reads_as"] for column in columns.columns] == ["time", "number", "text", "text"]
    assert "row 41, column 'y'" in found(columns, "outliers")[0]["text"]


def test_the_report_as_json_holds_no_nan_and_comes_back(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", time=hours(), y=["5"] * HOURS, void=[""] * HOURS)
    report = check(source, Y, ignore_events).to_json()
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_prepare_and_check_use_equal_warnings(tmp_path: Path) -> None:
    values = cells(load())
    values[40] = "99"
    times: list[Any] = hours("2024-03-20T00")
    times[times.index("2024-03-31 02:00")] = None
    source = write(tmp_path / "a.csv", time=times, y=values, x=cells(load(seed=1)), fixed=["1"] * HOURS)
    config = replace(Y, past=("fixed",))
    report = check(source, config, ignore_events)
    warned = prepare(source, tmp_path / "run", config, ignore_events).warnings
    reported = [finding["text"] for finding in report.findings if finding["severity"] == "warning"]
    assert sorted(warned) == sorted(reported)
    assert (
        len(reported) == len(set(reported)) == 3
    )  # a gap, daylight saving and an outlier; the constant column is a note


def test_names_of_columns_may_be_anything(tmp_path: Path) -> None:
    name = "\x1b[31mred\x1b[0m <b> 温度 '%s' {0}"
    lines = [f"time,{name}", *(f"{time},{value}" for time, value in zip(hours(), cells(load()), strict=True))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    report = check(str(tmp_path / "a.csv"), PrepareConfig(), ignore_events, plot=str(tmp_path / "a.png"))
    assert report.targets == (name,)


def test_memory_and_time_grow_with_the_data(tmp_path: Path) -> None:
    small = check(write(tmp_path / "a.csv", time=hours(), y=cells(load())), Y, ignore_events).expected
    large = check(str(SAMPLE / "ETTh1.csv"), PrepareConfig(target=("OT",)), ignore_events).expected
    assert small is not None
    assert large is not None
    assert small["memory_mb"] < large["memory_mb"]
    assert 0 < small["seconds"][0] < small["seconds"][1]
    assert small["seconds"][1] < large["seconds"][1]


def test_several_files_are_checked_as_one_with_lines_of_each_file(tmp_path: Path) -> None:
    values = load()
    values[300] = 90.0
    times, half = hours(), 250
    spare = [str(row % 7) if row != 400 else "oops" for row in range(HOURS)]
    parts = [
        write(tmp_path / "a.csv", time=times[:half], y=cells(values[:half]), spare=spare[:half]),
        write(tmp_path / "b.csv", spare=spare[half:], y=cells(values[half:]), time=times[half:]),
    ]
    report = check(str(tmp_path / "?.csv"), Y, ignore_events)
    assert report.source == f"{parts[0]} and 1 more file"
    assert report.rows == HOURS
    assert [(item["name"], item["missing"]) for item in report.columns] == [
        ("time", 0),
        ("y", 0),
        ("spare", 0),
    ]
    (slip,), (odd,) = found(report, "outliers"), found(report, "no-number")
    assert slip["text"].startswith(f"{parts[1]}, line {300 - half + 2}, column 'y': 90 is an outlier, far")
    assert odd["text"].startswith(f"{parts[1]}, line {400 - half + 2}, column 'spare': 'oops' is not")
    assert check(parts, Y, ignore_events).findings == report.findings
    other = write(tmp_path / "c.csv", time=times[:9], z=cells(values[:9]))
    with pytest.raises(DataError, match=r"c\.csv") as refused:
        check([*parts, other], Y, ignore_events)
    known = refused.value.report
    assert isinstance(known, CheckReport)
    assert known.rows == HOURS


def demand(zeros: int, count: int, *, others: list[str]) -> list[str]:
    """Return `count` cells; in each hundred, the first `zeros` cells are 0."""
    return ["0" if row % 100 < zeros else others[row % len(others)] for row in range(count)]


def test_more_than_half_zeros_are_a_warning_that_names_the_loss(tmp_path: Path) -> None:
    """In 400 training rows (--val 50 --test 50), 51 % zeros are reported and 50 % are not."""
    config = PrepareConfig(target=("y",), horizon=7, val="50", test="50")
    few, many = (demand(zeros, 400, others=["1", "4", "2"]) for zeros in (50, 51))
    tail = ["0"] * 100
    path = write(tmp_path / "few.csv", time=hours(count=500), y=few + tail)
    assert not found(check(path, config, ignore_events), "intermittent")
    path = write(tmp_path / "many.csv", time=hours(count=500), y=many + tail)
    reported = only(check(path, config, ignore_events), "intermittent")
    assert (reported["severity"], reported["column"], reported["count"], reported["lines"]) == (
        "warning",
        "y",
        204,
        (2,),
    )
    assert reported["flags"] == ("--loss",)
    assert "51 % of the 400 training values are 0" in reported["text"]
    assert "--loss mse to forecast the mean" in reported["text"]
    report = prepare(path, tmp_path / "run", config, ignore_events)
    assert reported["text"] in report.warnings


def test_a_missing_value_is_not_zero(tmp_path: Path) -> None:
    cells = ["", "0", "3"] * 166 + ["3", "3"]  # half of what was measured is 0, a third of all rows
    config = PrepareConfig(target=("y",), horizon=7, val="50", test="50")
    path = write(tmp_path / "a.csv", time=hours(count=500), y=["3", *cells[1:]])
    assert not found(check(path, config, ignore_events), "intermittent")
    path = write(tmp_path / "b.csv", time=hours(count=500), y=["0", *cells[1:]])
    assert "of the 267 training values" in only_of(check(path, config, ignore_events), "intermittent")


def only_of(report: CheckReport, kind: str) -> str:
    (item,) = found(report, kind)
    return str(item["text"])


def test_intermittent_series_of_a_panel_are_counted_once(tmp_path: Path) -> None:
    times = hours(count=200)
    sales = {
        "A": ["5", "3"] * 100,
        "B": demand(90, 200, others=["2"]),
        "C": ["1", "7"] * 100,
        "D": demand(60, 200, others=["9"]),
    }
    path = write(
        tmp_path / "panel.csv",
        time=times * 4,
        shop=[name for name in sales for _ in times],
        y=[cell for cells in sales.values() for cell in cells],
    )
    config = PrepareConfig(target=("y",), series=("shop",), horizon=7, val="20", test="20")
    text = only_of(check(path, config, ignore_events), "intermittent")
    assert "in 2 of 4 series, first 'B'" in text
    assert prepare(path, tmp_path / "run", config, ignore_events).warnings[-1] == text


def test_only_a_named_target_is_reported_as_intermittent(tmp_path: Path) -> None:
    path = write(tmp_path / "two.csv", time=hours(), y=demand(90, HOURS, others=["2"]), z=cells(load(seed=1)))
    assert not found(check(path, PrepareConfig(), ignore_events), "intermittent")


WIDE = "city,lat,2023-01-01,2023-01-02,2023-01-03\n" + "".join(
    f"{city},0.5,{number},{number + 1},{number + 2}\n" for number, city in enumerate("abc")
)


def test_a_wide_file_is_reported_as_its_long_table(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(WIDE)
    config = PrepareConfig(wide=True, series=("city",), horizon=1, lookback=1, val="1", test="0")
    report = check(str(tmp_path / "wide.csv"), config, ignore_events)
    assert (report.rows, report.series, report.targets) == (9, 3, ("value",))
    assert [(column["name"], column["part"], column["reads_as"]) for column in report.columns] == [
        ("city", "series", "text"),
        ("time", "time", "time"),
        ("value", "target", "number"),
    ]
    assert [(column["least"], column["greatest"]) for column in report.columns][2] == (0, 4)


def test_times_in_the_header_are_no_candidates_for_the_target(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(WIDE)
    error = common_refusal(str(tmp_path / "wide.csv"), PrepareConfig(series=("city",)), tmp_path)
    assert (error.rule, error.hint) == ("D222", "add --wide --series city")
    assert isinstance(error.report, CheckReport)
    assert "no-target" not in [finding["kind"] for finding in error.report.findings]


def test_a_time_column_that_cannot_be_read_is_not_called_a_time(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("when,y\nfirst,1\nsecond,2\nthird,3\n")
    error = common_refusal(str(tmp_path / "data.csv"), PrepareConfig(time=("when",)), tmp_path)
    assert error.rule == "D406"
    assert isinstance(error.report, CheckReport)
    column = error.report.columns[0]
    assert (column["part"], column["reads_as"]) == ("time", "text")
