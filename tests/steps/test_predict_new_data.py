"""Tests of the command `lstm predict RUN NEW.csv`: allowed and refused differences of NEW."""

import csv
import json
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

Cells = list[list[str]]
SALES, PRICE, PROMO = 2, 3, 4  # columns of the panel, after day and shop


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Result of `lstm predict`."""

    code: int
    forecast: bytes | None  # None: no file was written
    warnings: list[str]
    error: str  # with its hint


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of two shops with a linear forecast. Its data is panel.csv in the parent folder."""
    folder = tmp_path_factory.mktemp("known")
    prepare(str(write_panel(folder / "panel.csv")), folder / "run", PREPARE, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {item: signal.getsignal(item) for item in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for item, handler in before.items():
        signal.signal(item, handler)


@pytest.fixture
def answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Path, str | Cells], Answer]:
    def of(run: Path, new: str | Cells) -> Answer:
        text = new if isinstance(new, str) else "\n".join(map(",".join, new)) + "\n"
        (tmp_path / "new.csv").write_text(text)
        output = tmp_path / "forecast.csv"
        output.unlink(missing_ok=True)
        code = lstm(["predict", str(run), str(tmp_path / "new.csv"), "-o", str(output)])
        lines = capsys.readouterr().err.splitlines()
        return Answer(
            code=code,
            forecast=output.read_bytes() if output.exists() else None,
            warnings=[line for line in lines if line.startswith("warning[")],
            error="\n".join(line for line in lines if line.startswith(("error", "hint: "))),
        )

    return of


def cells(run: Path) -> Cells:
    return [line.split(",") for line in (run.parent / "panel.csv").read_text().splitlines()]


def values(forecast: bytes | None) -> np.ndarray:
    assert forecast is not None
    return np.array(
        [[float(cell) for cell in row[2:]] for row in csv.reader(forecast.decode().splitlines()[1:])]
    )


def test_other_order_more_columns_and_other_quotes_give_the_same_bytes(known, answer) -> None:
    plain = answer(known, cells(known))
    assert (plain.code, plain.warnings, plain.error) == (0, [], "")
    mixed = [[*row[::-1], "note" if row[0] == "day" else f'"a, {row[0]}"'] for row in cells(known)]
    assert answer(known, mixed) == plain
    twice = [[row[0], "x", *row[1:], "x"] for row in cells(known)]  # two more of one name
    assert answer(known, twice) == plain
    backwards = [cells(known)[0], *cells(known)[:0:-1]]
    result = answer(known, backwards).forecast  # the shop that comes first in the file comes first
    assert result is not None
    assert sorted(result.splitlines()) == sorted(plain.forecast.splitlines())


def test_rows_before_the_lookback_change_nothing(known, answer) -> None:
    rows = cells(known)
    late = [row for row in rows if row[0] == "day" or row[0] >= "2024-03-01"]
    assert answer(known, late) == answer(known, rows)


def test_a_longer_export_is_forecast_from_its_own_end(known, answer, tmp_path) -> None:
    grown = [
        line.split(",")
        for line in write_panel(tmp_path / "grown.csv", rows=135, ahead=10).read_text().splitlines()
    ]
    for row in grown[1:]:  # the first 130 days as they were, five more
        old = next(
            (known_row for known_row in cells(known) if known_row[:2] == row[:2] and known_row[SALES]), None
        )
        row[:] = old or row
    result = answer(known, grown)
    assert (result.code, result.warnings) == (0, [])
    assert result.forecast is not None
    assert b"A,2024-05-15," in result.forecast.splitlines()[1]


def renamed(rows: Cells) -> Cells:
    return [[cell.replace("price", "prices") for cell in row] for row in rows]


def without_price(rows: Cells) -> Cells:
    return [row[:PRICE] + row[PRICE + 1 :] for row in rows]


def without_shop(rows: Cells) -> Cells:
    return [[row[0], *row[2:]] for row in rows if row[1] != "B"]


def every_second_day(rows: Cells) -> Cells:
    return [row for row in rows if row[0] == "day" or np.datetime64(row[0]).astype(int) % 2]


def hourly(rows: Cells) -> Cells:
    return [rows[0]] + [
        [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00", "A", "5", "5", "0"] for n in range(200)
    ]


def no_promo_ahead(rows: Cells) -> Cells:
    return [row for row in rows if row[SALES]]


def empty_price(rows: Cells) -> Cells:
    return [rows[0], *([*row[:PRICE], "", row[PROMO]] for row in rows[1:])]


def words(rows: Cells) -> Cells:
    return [*rows[:19], [*rows[19][:SALES], "many", *rows[19][PRICE:]], *rows[20:]]


def immense(rows: Cells) -> Cells:
    return [*rows[:240], [*rows[240][:PRICE], "1e200", rows[240][PROMO]], *rows[241:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            renamed,
            [
                "column 'price', which the model needs, not found",
                "'prices'",
                "Use the names of the training data",
            ],
        ),
        (without_price, ["column 'price', which the model needs, not found"]),
        (without_shop, ["column 'shop', which the model needs, not found"]),
        (every_second_day, ["has frequency 2D, but the run has D"]),
        (hourly, ["has frequency h, but the run has D"]),
        (no_promo_ahead, ["'promo'", "2024-05-10", "step 1 of the forecast"]),
        (empty_price, ["'price' is empty"]),
        (words, ["line 20", "'sales'", "'many'"]),
        (immense, ["line 241", "'price'", "1e+200"]),
        (lambda rows: rows[:1], ["no rows below"]),
        (lambda rows: "", ["is empty"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_data_that_do_not_fit_are_refused_with_a_specific_message(known, answer, change, says) -> None:
    result = answer(known, change(cells(known)))
    assert (result.code, result.forecast) == (3, None)
    assert result.error.count("\n") == 1
    assert "new.csv" in result.error
    assert [words for words in says if words not in result.error] == [], result.error


def test_overlapping_values_that_differ_are_one_warning_with_their_count(known, answer) -> None:
    rows = cells(known)
    for line in (20, 31, 200):
        rows[line][SALES] = str(float(rows[line][SALES]) + 3)
    result = answer(known, rows)
    assert result.code == 0
    assert len(result.warnings) == 1
    first = rows[20] if rows[20][1] == "A" else rows[31]
    assert f"3 values differ from the run's data at the same times, first at {first[0]}" in result.warnings[0]


def test_values_far_outside_are_reported_with_line_and_column(known, answer) -> None:
    rows = cells(known)
    for line, column in ((100, SALES), (101, SALES), (110, PRICE)):
        rows[line][column] = str(float(rows[line][column]) * 1000)
    result = answer(known, rows)
    assert result.code == 0
    assert np.isfinite(values(result.forecast)).all()
    warnings = [text for text in result.warnings if "far outside of the training range" in text]
    assert len(warnings) == 2
    assert f"new.csv, line 101, column 'sales': {float(rows[100][SALES]):.15g}" in warnings[0]
    assert f"of series '{rows[100][1]}', 2 such values" in warnings[0]
    assert "new.csv, line 111, column 'price'" in warnings[1]
    assert "1 such value " in warnings[1]


def test_a_gap_and_missing_cells_are_filled_with_a_warning(known, answer) -> None:
    rows = cells(known)
    rows[120][SALES] = ""
    result = answer(known, [row for row in rows if row[:2] != ["2024-02-10", "A"]])
    assert result.code == 0
    assert np.isfinite(values(result.forecast)).all()
    assert any(
        "1 row is missing from the daily data, the first at 2024-02-10 of series 'A'" in text
        for text in result.warnings
    )
    assert any("1 missing value" in text for text in result.warnings)


AWKWARD = ["=cmd()", "+1", "-1", "@x", "007", "<script>", 'a "b", c', "NA", "Zürich"]


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with names such as formulas and quotes."""
    folder = tmp_path_factory.mktemp("awkward")
    header = ["=day", "@shop", "-y"]
    rows = [
        [str(np.datetime64("2024-01-01") + row), name, str(-(row * 37 % 11) - number)]
        for row in range(60)
        for number, name in enumerate(AWKWARD)
    ]
    with (folder / "panel.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    config = PrepareConfig(target=("-y",), series=("@shop",), horizon=2, lookback=7)
    prepare(str(folder / "panel.csv"), folder / "run", config, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


def test_no_text_cell_becomes_a_formula_and_numbers_are_left(awkward, answer) -> None:
    result = answer(awkward, (awkward.parent / "panel.csv").read_text())
    assert (result.code, result.warnings) == (0, [])
    header, *rows = csv.reader(result.forecast.decode().splitlines())
    assert header[:4] == ["'@shop", "'=day", "'-y", "'-y_lo80"]
    names = [f"'{name}" if name[0] in "=@" else name for name in AWKWARD]  # +1 and -1 are numbers
    assert [row[0] for row in rows] == [name for name in names for _ in range(2)]
    assert {row[1] for row in rows} == {"2024-03-01", "2024-03-02"}
    assert (values(result.forecast)[:, 0] < 0).all()  # minus signs as they are
    assert not any(cell.startswith("'") for row in rows for cell in row[1:])


def test_the_reader_takes_the_apostrophes_off_again(awkward, answer) -> None:
    text = (awkward.parent / "panel.csv").read_text()
    as_written = text.replace("=day,@shop,-y", "'=day,'@shop,'-y")
    for name in AWKWARD[:4]:
        as_written = as_written.replace(f",{name},", f",'{name},")
    assert as_written.count("'") == 3 + 4 * 60
    assert answer(awkward, as_written) == answer(awkward, text)


def test_values_of_the_other_sign_are_reported(known, answer) -> None:
    rows = cells(known)
    for row in rows[1:]:
        row[SALES] = row[SALES] and f"-{row[SALES]}"
    assert any("far outside of the training range" in text for text in answer(known, rows).warnings)


def test_another_delimiter_is_detected(known, answer) -> None:
    result = answer(known, "\n".join(map(";".join, cells(known))) + "\n")
    assert result.code == 0
    assert result.forecast == answer(known, cells(known)).forecast
    assert any("the delimiter is ';'" in text for text in result.warnings)


@pytest.mark.parametrize("zones", [("", "Z"), ("+01:00", "")])
def test_times_with_and_without_an_offset_are_not_mixed(zones, tmp_path, answer) -> None:
    def hours(zone: str) -> str:
        rows = (f"{np.datetime64('2024-01-01T00') + row}:00{zone},{row % 24 + row % 5}" for row in range(240))
        return "\n".join(["time,load", *rows]) + "\n"

    (tmp_path / "load.csv").write_text(hours(zones[0]))
    config = PrepareConfig(target=("load",), horizon=6, lookback=24)
    prepare(str(tmp_path / "load.csv"), tmp_path / "run", config, ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    assert answer(tmp_path / "run", hours(zones[0])).code == 0
    result = answer(tmp_path / "run", hours(zones[1]))
    assert (result.code, result.forecast) == (3, None)
    assert "new.csv, line 2" in result.error
    assert "UTC offset" in result.error


def test_series_whose_names_look_alike_keep_their_own_scale(tmp_path, answer) -> None:
    """Names in both Unicode forms (NFC and NFD) are equal."""
    rows = [
        f"{np.datetime64('2024-01-01') + row},{name},{level + row * 37 % 11}"
        for row in range(80)
        for name, level in (("Gr\u00f6\u00dfe", 1000), ("Gro\u0308\u00dfe", 5))
    ]
    text = "\n".join(["day,shop,load", *rows]) + "\n"
    (tmp_path / "load.csv").write_text(text)
    config = PrepareConfig(target=("load",), series=("shop",), horizon=3, lookback=7)
    prepare(str(tmp_path / "load.csv"), tmp_path / "run", config, ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    result = answer(tmp_path / "run", text)
    assert not any("far outside" in item for item in result.warnings)
    assert lstm(["predict", str(tmp_path / "run"), "-o", str(tmp_path / "own.csv")]) == 0
    np.testing.assert_allclose(
        values(result.forecast), values((tmp_path / "own.csv").read_bytes()), rtol=1e-5
    )


def daily(rows: int, shops: Sequence[str] = ()) -> str:
    """Return the last of 420 days with a weekly season, of one series or of several shops."""
    rng = np.random.default_rng(7)
    load = 20 + 5 * np.sin(np.arange(420) * 2 * np.pi / 7) + rng.normal(0, 0.5, 420)
    days = np.datetime64("2023-01-01") + np.arange(420)
    header = "day,shop,load" if shops else "day,load"
    series = [f",{shop}" for shop in shops] or [""]
    lines = [
        f"{day}{item},{value:.3f}"
        for item in series
        for day, value in list(zip(days, load, strict=True))[420 - rows :]
    ]
    return "\n".join([header, *lines]) + "\n"


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return runs of one series and of a panel whose linear forecast reads more rows than the lookback."""
    folder = tmp_path_factory.mktemp("deep")
    runs = {}
    for name, shops in (("single", ()), ("panel", ("A", "B", "C"))):
        (folder / f"{name}.csv").write_text(daily(420, shops))
        config = PrepareConfig(target=("load",), series=("shop",) if shops else (), horizon=7)
        prepare(str(folder / f"{name}.csv"), folder / name, config, ignore_events)
        train(folder / name, LINEAR, ignore_events)
        runs[name] = folder / name
    return runs


def depths(run: Path) -> tuple[int, int]:
    """Return the lookback and the number of rows that the model reads, from the report of `train`."""
    with open_run(run) as opened:
        report = opened.report("train")
        assert opened.report("prepare")["lookback"] == report["lookback"]
        assert load_model(opened).lookback == report["reads_rows"]
    return report["lookback"], report["reads_rows"]


def test_fewer_rows_than_the_model_reads_are_padded_with_one_warning(deep, answer) -> None:
    lookback, reads = depths(deep["single"])
    assert reads > lookback + 1
    whole = answer(deep["single"], daily(reads))
    assert (whole.code, whole.warnings) == (0, [])
    for rows in (reads - 1, lookback):
        result = answer(deep["single"], daily(rows))
        assert (result.code, len(result.warnings)) == (0, 1)
        assert (
            f"{rows} rows, fewer than the {reads} that the model reads (lookback {lookback})"
            in result.warnings[0]
        )
    refused = answer(deep["single"], daily(lookback - 1))
    assert (refused.code, refused.forecast) == (3, None)
    assert f"too short: {lookback - 1} rows" in refused.error
    assert f"{lookback} rows" in refused.error
    assert f"{reads} rows" in refused.error


def test_of_a_panel_the_padded_series_are_counted_once(deep, answer) -> None:
    lookback, reads = depths(deep["panel"])
    short = daily(lookback, ("B",)).splitlines()[1:]
    text = daily(reads, ("A", "C")) + "\n".join(short) + "\n"
    result = answer(deep["panel"], text)
    assert (result.code, len(result.warnings)) == (0, 1)
    words = f"1 of 3 series have fewer rows than the {reads} that the model reads (lookback {lookback}): 'B'"
    assert words in result.warnings[0]


def test_rows_of_the_run_that_are_fewer_than_the_model_reads_are_a_warning(deep, tmp_path, capsys) -> None:
    run = Path(shutil.copytree(deep["single"], tmp_path / "run"))
    lookback, reads = depths(run)
    output = str(tmp_path / "f.csv")
    assert lstm(["predict", str(run), "-o", output, "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["lookback"], report["reads_rows"]) == (lookback, reads)
    assert "that the model reads" not in err
    (tmp_path / "few.csv").write_text(daily(reads - 1))
    prepare(str(tmp_path / "few.csv"), run, PrepareConfig(target=("load",), horizon=7), ignore_events)
    assert lstm(["predict", str(run), "-o", output]) == 0
    assert f"fewer than the {reads} that the model reads (lookback {lookback})" in capsys.readouterr().err
