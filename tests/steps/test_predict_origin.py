"""Tests of `predict --origin`: the forecast is that of a file that ends with the origin."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import LINEAR, PREPARE

from lstm_cli.config import EvaluateConfig, PredictConfig, PrepareConfig
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.steps.dry_run import plan_predict
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.predict import PredictReport, predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

DAY = np.datetime64("2024-01-01")
TARGETS = ("sales", "visits")
HEADER = ["day", "shop", *TARGETS, "price", "promo"]
BEGINS = {"A": 0, "B": 0, "late": 60, "ended": 0}  # row of the first day of each shop
ROWS = 140
# The stored values of a log-transformed model are rounded twice, so its last digits depend on NEW.
PLAIN = replace(LINEAR, log_transform="off")
ENDED = 70  # row after the last one of the ended shop


def write_panel(path: Path, *, gaps: float) -> Path:
    """Write four shops with two targets. gaps: share of missing targets and past covariates."""
    rng = np.random.default_rng(7)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number, (shop, begin) in enumerate(BEGINS.items()):
            for row in range(begin, ROWS + 10):
                promo = int(row % 9 == 0)
                wave = 1 + 0.3 * np.sin(row * 2 * np.pi / 7) + 0.2 * promo + 0.02 * rng.normal()
                cells = [f"{10 ** (number + 1) * wave:.2f}", f"{300 * wave:.1f}", f"{5 + rng.normal():.3f}"]
                cells = ["" if rng.random() < gaps and row > begin else cell for cell in cells]
                if row >= (ENDED if shop == "ended" else ROWS):
                    cells = ["", "", ""]
                writer.writerow([str(DAY + row), shop, *cells, promo])
    return path


@pytest.fixture(scope="module", params=[0.0, 0.15], ids=["complete", "gaps"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the file of a panel and a run of it. Tests must not change them."""
    folder = tmp_path_factory.mktemp("origin")
    data = write_panel(folder / "panel.csv", gaps=request.param)
    config = replace(PREPARE, target=TARGETS, season=(7,), lookback=21)
    prepare(str(data), folder / "run", config, ignore_events)
    train(folder / "run", PLAIN, ignore_events)
    return data, folder / "run"


def forecast(run: Path, new: Path | None, output: Path, **options: Any) -> PredictReport:
    config = PredictConfig(output=str(output), threads=1, **options)
    return predict(run, None if new is None else str(new), config, ignore_events)


def cut(data: Path, path: Path, origin: str) -> Path:
    """Write the rows of a panel with the targets and the past covariate up to an origin, and promo to the end."""
    with data.open(newline="") as stream, path.open("w", newline="") as written:
        header, *rows = csv.reader(stream)
        writer = csv.writer(written)
        writer.writerow(header)
        for row in rows:
            if row[0] > origin:
                row[2:5] = "", "", ""
            writer.writerow(row)
    return path


def measured_days(data: Path, shop: str = "A") -> list[str]:
    with data.open(newline="") as stream:
        return [row["day"] for row in csv.DictReader(stream) if row["shop"] == shop and row["sales"]]


def rules(report: PredictReport) -> list[str]:
    return [finding["rule"] for finding in report.findings]


@pytest.mark.parametrize("row", [30, 75, 100, 125])
@pytest.mark.parametrize("options", [{}, {"ended": "include", "horizon": 3}])
def test_the_forecast_is_that_of_a_file_which_ends_there(
    case: tuple[Path, Path], tmp_path: Path, row: int, options: dict[str, Any]
) -> None:
    data, run = case
    origin = next(day for day in measured_days(data) if day >= str(DAY + row))
    forecast(run, cut(data, tmp_path / "new.csv", origin), tmp_path / "cut.csv", **options)
    report = forecast(run, None, tmp_path / "own.csv", origin=origin, **options)
    forecast(run, data, tmp_path / "new_origin.csv", origin=origin, **options)
    assert report.origin == origin
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "cut.csv").read_bytes()
    assert (tmp_path / "new_origin.csv").read_bytes() == (tmp_path / "cut.csv").read_bytes()


@pytest.mark.parametrize(
    "options",
    [{"samples": 3}, {"only": ("B",)}, {"shard": "2/2"}, {"level": (50.0,), "quantiles": (0.3,)}],
    ids=["samples", "only", "shard", "quantiles"],
)
def test_other_options_apply_to_the_known_rows(
    case: tuple[Path, Path], tmp_path: Path, options: dict[str, Any]
) -> None:
    from lstm_cli.config.predict import Shard

    data, run = case
    origin = measured_days(data)[-20]
    if "shard" in options:
        options = {"shard": Shard(number=2, count=2)}
    forecast(run, cut(data, tmp_path / "new.csv", origin), tmp_path / "cut.csv", **options)
    forecast(run, None, tmp_path / "own.csv", origin=origin, **options)
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "cut.csv").read_bytes()


def test_the_forecasts_of_evaluate_are_those_of_each_origin(case: tuple[Path, Path], tmp_path: Path) -> None:
    """Rows of `evaluate --forecasts` and the forecast of their origin differ only by the batch."""
    run = case[1]
    table = tmp_path / "table.csv"
    evaluate(run, EvaluateConfig(threads=1, forecasts=str(table), precision="fp32"), ignore_events)
    with table.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["shop"] == "A"]
    origins = list(dict.fromkeys(row["origin"] for row in rows))
    for origin in (origins[0], origins[-1]):
        forecast(run, None, tmp_path / "own.csv", origin=origin, only=("A",))
        with (tmp_path / "own.csv").open(newline="") as stream:
            own = {row["day"]: row for row in csv.DictReader(stream)}
        scored = [row for row in rows if row["origin"] == origin]
        assert {row["time"] for row in scored} == set(own)
        for row in scored:
            names = {"": "forecast", "_lo80": "lo80", "_hi95": "hi95"}
            values = [float(own[row["time"]][row["target"] + name]) for name in names]
            assert values == pytest.approx([float(row[name]) for name in names.values()], rel=1e-4)


def test_series_without_a_row_at_the_origin_are_named(case: tuple[Path, Path], tmp_path: Path) -> None:
    data, run = case
    early = next(day for day in measured_days(data) if day >= str(DAY + 45))
    for new in (None, data):
        report = forecast(run, new, tmp_path / "f.csv", origin=early)
        assert "D844" in rules(report)  # `late` has no row yet
        assert "late" in next(one["text"] for one in report.findings if one["rule"] == "D844")
        assert "D512" not in rules(report)
        end = next(day for day in measured_days(data) if day >= str(DAY + ENDED + 3))
        report = forecast(run, new, tmp_path / "f.csv", origin=end)
        assert "ended" in next(one["text"] for one in report.findings if one["rule"] == "D843")
        assert "ended" in (tmp_path / "f.csv").read_text()  # within a horizon
        report = forecast(run, new, tmp_path / "f.csv", origin=measured_days(data)[-1])
        assert report.ended == ("ended",)


def test_a_model_that_learned_from_later_rows_is_named_once(case: tuple[Path, Path], tmp_path: Path) -> None:
    data, run = case
    days = measured_days(data)
    report = forecast(run, None, tmp_path / "f.csv", origin=days[60])
    assert rules(report).count("M106") == 1
    assert rules(forecast(run, data, tmp_path / "f.csv", origin=days[60])).count("M106") == 1
    text = next(one["text"] for one in report.findings if one["rule"] == "M106")
    last = text.rpartition("--origin '")[2][:10]
    assert "M106" not in rules(
        forecast(run, None, tmp_path / "f.csv", origin=next(d for d in days if d >= last))
    )
    assert "M106" not in rules(forecast(run, None, tmp_path / "f.csv"))


@pytest.mark.parametrize(
    ("origin", "message", "hint"),
    [
        ("2023-12-25", "is not a row: the nearest row with a target is 2024-01-01", "2024-01-01"),
        ("2024-07-01", "is not a row: the nearest row with a target is 2024-05-19", "leave out --origin"),
        ("2024-01-05", "too few rows.*first possible origin is 2024-01-21", "2024-01-21"),
        ("row:7", "the data have times", "such as --origin"),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_an_origin_that_cannot_be_is_exit_3(
    tmp_path: Path, origin: str, message: str, hint: str, own: bool, complete: tuple[Path, Path]
) -> None:
    data, run = complete
    with pytest.raises(DataError, match=message) as refused:
        forecast(run, None if own else data, tmp_path / "f.csv", origin=origin)
    assert hint in refused.value.hint
    assert not (tmp_path / "f.csv").exists()


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a file of one series, whose row 100 has no target, and a run of it."""
    folder = tmp_path_factory.mktemp("one")
    rng = np.random.default_rng(1)
    lines = ["day,sales"]
    for row in range(ROWS):
        sales = "" if row == 100 else f"{50 + 9 * np.sin(row * 2 * np.pi / 7) + rng.normal():.2f}"
        lines.append(f"{DAY + row},{sales}")
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    config = PrepareConfig(target=("sales",), horizon=7, lookback=21, season=(7,))
    prepare(str(folder / "data.csv"), folder / "run", config, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "data.csv", folder / "run"


@pytest.mark.parametrize("own", [True, False])
def test_a_row_without_a_target_is_no_origin(tmp_path: Path, complete: tuple[Path, Path], own: bool) -> None:
    data, run = complete
    missing, before, after = (str(DAY + row) for row in (100, 99, 101))
    with pytest.raises(DataError, match=f"missing target: .* are {before} and {after}"):
        forecast(run, None if own else data, tmp_path / "f.csv", origin=missing)


def test_a_text_that_is_no_time_is_exit_2_also_in_a_dry_run(
    tmp_path: Path, complete: tuple[Path, Path]
) -> None:
    config = PredictConfig(output=str(tmp_path / "f.csv"), origin="yesterday")
    with pytest.raises(UsageError, match="--origin: 'yesterday' is not a valid time"):
        predict(complete[1], None, config, ignore_events)
    with pytest.raises(UsageError, match="--origin"):
        plan_predict(complete[1], None, config)


def test_rows_without_times_are_counted_from_1(tmp_path: Path, complete: tuple[Path, Path]) -> None:
    lines = complete[0].read_text().replace(f"{DAY + 100},\n", f"{DAY + 100},50\n").splitlines()
    rows = [line.split(",")[1] for line in lines]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "cut.csv").write_text("\n".join(rows[:121]) + "\n")
    config = PrepareConfig(target=("sales",), horizon=7, lookback=21, season=(7,), time=("none",))
    run = tmp_path / "run"
    prepare(str(tmp_path / "data.csv"), run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    forecast(run, tmp_path / "cut.csv", tmp_path / "f.csv")
    expected = (tmp_path / "f.csv").read_bytes()
    for new in (None, tmp_path / "data.csv"):
        forecast(run, new, tmp_path / "f.csv", origin="row:120")
        assert (tmp_path / "f.csv").read_bytes() == expected
        with pytest.raises(DataError, match=r"not a row: the nearest row with a target is row:140"):
            forecast(run, new, tmp_path / "f.csv", origin="row:141")
        with pytest.raises(DataError, match="no time column found"):
            forecast(run, new, tmp_path / "f.csv", origin="2024-01-01")


def test_covariates_of_a_file_of_their_own_replace_those_after_the_origin(
    case: tuple[Path, Path], tmp_path: Path
) -> None:
    data, run = case
    origin = measured_days(data)[-20]
    ahead = [str(np.datetime64(origin) + step) for step in range(1, 8)]
    lines = ["day,shop,promo"] + [f"{day},{shop},1" for shop in ("A", "B", "late") for day in ahead]
    (tmp_path / "ahead.csv").write_text("\n".join(lines) + "\n")
    options = {"future_data": str(tmp_path / "ahead.csv")}
    forecast(run, cut(data, tmp_path / "new.csv", origin), tmp_path / "cut.csv", **options)
    forecast(run, None, tmp_path / "own.csv", origin=origin, **options)
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "cut.csv").read_bytes()
    forecast(run, None, tmp_path / "plain.csv", origin=origin)
    assert (tmp_path / "own.csv").read_bytes() != (tmp_path / "plain.csv").read_bytes()


def test_a_series_new_to_the_model_is_scaled_by_its_known_rows(
    tmp_path: Path, case: tuple[Path, Path]
) -> None:
    data, run = case
    origin = measured_days(data)[-20]
    text = data.read_text().replace(",B,", ",new,")
    new = tmp_path / "other.csv"
    new.write_text(text)
    forecast(run, cut(new, tmp_path / "new.csv", origin), tmp_path / "cut.csv")
    forecast(run, new, tmp_path / "own.csv", origin=origin)
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "cut.csv").read_bytes()
