"""Tests of `lstm predict --shard`: the joined shards have the bytes of the whole forecast."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import LINEAR, TRAIN

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig, PrepareConfig, QuantizeConfig
from lstm_cli.config.predict import Shard
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.inference.session import Session
from lstm_cli.steps.dry_run import plan_predict
from lstm_cli.steps.predict import PredictReport, predict, shard
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

FIRST = np.datetime64("2024-01-01")
DAYS = 90
BATCH = 4  # series per batch in these tests
SHOPS = tuple("ABCDEFGHIJK")  # E has ended, and F is too short for the model


def write(path: Path, shops: tuple[str, ...] = SHOPS) -> str:
    """Write shops with a weekly season and levels from 10 to 10,000."""
    rng = np.random.default_rng(5)
    lines = ["day,shop,sales,promo"]
    for number, shop in enumerate(shops):
        last = DAYS - 20 if shop == "E" else DAYS
        for day in range(DAYS - 9 if shop == "F" else 0, last + 10):
            wave = 1 + 0.3 * np.sin(day * 2 * np.pi / 7) + 0.05 * rng.normal()
            sales = f"{10 ** (1 + 3 * number / len(SHOPS)) * wave:.3f}" if day < last else ""
            lines.append(f"{FIRST + day},{shop},{sales},{int(day % 9 == 0)}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of a panel with an int8 model. Tests must not change it."""
    folder = tmp_path_factory.mktemp("shard")
    config = PrepareConfig(
        target=("sales",), series=("shop",), future=("promo",), horizon=7, lookback=14, calendar=True
    )
    prepare(write(folder / "panel.csv"), folder / "run", config, ignore_events)
    train(folder / "run", replace(TRAIN, hidden=(16,)), ignore_events)
    quantize(folder / "run", QuantizeConfig(max_loss=10.0), ignore_events)
    return folder / "run"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "BATCH_SERIES", BATCH)


def forecast(run: Path, new: str | None = None, **options: Any) -> tuple[PredictReport, bytes, list[str]]:
    """Return the report, the bytes of the CSV, and the rules of the warnings."""
    out, rules = io.BytesIO(), []

    def listen(event: object) -> None:
        if isinstance(event, WarningRaised):
            rules.append(event.finding.rule)

    report = predict(run, new, PredictConfig(threads=1, **options), listen, stdout=out)
    return report, out.getvalue(), rules


def join(parts: list[bytes]) -> bytes:
    """Return the first part, followed by the others without their header."""
    return parts[0] + b"".join(part.split(b"\n", 1)[1] for part in parts[1:])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 13])
@pytest.mark.parametrize(
    "options",
    [
        {"precision": "int8"},
        {"precision": "fp32", "level": (50.0,), "quantiles": (0.1, 0.9)},
        {"precision": "int8", "samples": 3, "seed": 7},
        {"precision": "int8", "only": ("K", "A", "C", "F", "H", "I", "J"), "intervals": False},
        {"precision": "fp32", "ended": "include", "horizon": 5},
    ],
    ids=lambda options: "-".join(options),
)
def test_joined_shards_are_the_whole(made: Path, options: dict[str, Any], count: int) -> None:
    report, whole, rules = forecast(made, **options)
    made_shards = [
        forecast(made, shard=Shard(number=number, count=count), **options) for number in range(1, count + 1)
    ]
    assert join([part for _, part, _ in made_shards]) == whole
    assert {part.split(b"\n", 1)[0] for _, part, _ in made_shards} == {whole.split(b"\n", 1)[0]}
    assert sum(part.series for part, _, _ in made_shards) == report.series
    assert sum(part.rows for part, _, _ in made_shards) == report.rows
    for part, _, part_rules in made_shards:
        assert part_rules == rules
        assert (part.ended, part.baseline_series) == (report.ended, report.baseline_series)


def test_new_data_with_new_series_and_future_data(made: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.csv", (*SHOPS, "N", "O"))
    _, whole, rules = forecast(made, new)
    assert "D804" in rules
    shards = [forecast(made, new, shard=Shard(number=number, count=5))[1] for number in range(1, 6)]
    assert join(shards) == whole


def test_only_the_series_of_the_shard_cost_model_time(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With at least one batch for each shard, no window is computed twice."""
    windows: list[int] = []
    run_graph = Session._run

    def count_windows(self: Session, outputs: list[str], *inputs: np.ndarray) -> list[np.ndarray]:
        windows.append(len(inputs[0]))
        return run_graph(self, outputs, *inputs)

    monkeypatch.setattr(Session, "_run", count_windows)
    for number, expected in ((1, [4]), (2, [4]), (3, [1])):  # nine series of the model, and F
        windows.clear()
        forecast(made, shard=Shard(number=number, count=3))
        assert windows == expected
    windows.clear()
    forecast(made, shard=Shard(number=4, count=5))  # the series 7 and 8 of 10, in the batch of 5 to 8
    assert windows == [4]
    windows.clear()
    _, csv, _ = forecast(made, shard=Shard(number=11, count=13))  # no series
    assert (windows, csv.count(b"\n")) == ([], 1)


def test_a_shard_without_series_has_the_header_only(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "part.csv"
    assert lstm(["predict", str(made), "--shard", "99/100", "-o", str(output)]) == 0
    assert output.read_text() == "shop,day,sales,sales_lo80,sales_hi80,sales_lo95,sales_hi95\n"
    assert f"0 rows to {output}" in capsys.readouterr().err


def test_a_run_of_one_series_is_in_shard_1(tmp_path: Path) -> None:
    lines = [f"{FIRST + day},{5 + day % 7}" for day in range(DAYS)]
    (tmp_path / "one.csv").write_text("\n".join(["day,sales", *lines]) + "\n")
    prepare(str(tmp_path / "one.csv"), tmp_path / "run", PrepareConfig(horizon=3, lookback=7), ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    _, whole, _ = forecast(tmp_path / "run")
    first, second = (forecast(tmp_path / "run", shard=Shard(number=number, count=2))[1] for number in (1, 2))
    assert (first, second) == (whole, b"day,sales,sales_lo80,sales_hi80,sales_lo95,sales_hi95\n")


def test_each_shard_refuses_what_the_whole_refuses(made: Path, tmp_path: Path) -> None:
    """A future covariate of the last shop is missing."""
    text = Path(write(tmp_path / "new.csv")).read_text()
    *kept, last = (
        line for line in text.splitlines() if not line.startswith(str(FIRST + DAYS + 9)) or ",K," in line
    )
    (tmp_path / "new.csv").write_text(
        "\n".join(line for line in (*kept, last) if f"{FIRST + DAYS + 2},K" not in line)
    )
    for number in (1, 2):
        with pytest.raises(DataError) as refused:
            forecast(made, str(tmp_path / "new.csv"), shard=Shard(number=number, count=2))
        assert refused.value.rule == "D802"
        with pytest.raises(DataError, match="ended more than"):
            forecast(made, ended="refuse", shard=Shard(number=number, count=2))


def test_slices_cover_all_series_once() -> None:
    schema: Any = type("Schema", (), {"inputs": ("a",), "targets": ("a",)})
    model: Any = type("Model", (), {"lookback": 10})
    for modelled, short, count in ((1000, 7, 16), (100, 0, 16), (5, 3, 2), (0, 5, 3), (0, 0, 2), (17, 0, 17)):
        slices = [
            shard.slice_series(
                Shard(number=number, count=count), modelled=modelled, short=short, schema=schema, model=model
            )
            for number in range(1, count + 1)
        ]
        series = [
            index
            for each in slices
            for index in (
                *range(each.modelled.start, each.modelled.stop),
                *range(modelled + each.short.start, modelled + each.short.stop),
            )
        ]
        assert series == list(range(modelled + short))
        sizes = [each.series for each in slices]
        assert max(sizes) - min(sizes) < (2 * BATCH if -(-(modelled + short) // BATCH) >= count else 2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--shard", "0/4"], "out of range"),
        (["--shard", "5/4"], "out of range"),
        (["--shard", "1/0"], "out of range"),
        (["--shard", "3"], "is not a slice N/M"),
        (["--shard", "-1/4"], "is not a slice N/M"),
        (["--shard", "1/4/2"], "is not a slice N/M"),
        (["--shard", "1.5/4"], "is not a slice N/M"),
        (["--shard", "1/4", "--format", "json"], "writes only CSV, not json"),
        (["--shard", "1/4", "-o", "part.parquet"], "writes only CSV, not parquet"),
        (["--shard", "1/4", "-o", "part.json", "--dry-run"], "writes only CSV, not json"),
        (["--shard", "1/4", "-o", "part.csv", "--json"], "cannot be combined"),
    ],
)
def test_a_bad_shard_is_exit_code_2(
    made: Path,
    words: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert lstm(["predict", str(made), *words]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert text in error
    assert hint.startswith("hint: ")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_and_the_plan(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSTM_PREDICT_SHARD", "2/3")
    assert lstm(["predict", str(made), "--threads", "1", "-o", str(tmp_path / "part.csv")]) == 0
    _, expected, _ = forecast(made, shard=Shard(number=2, count=3))
    assert (tmp_path / "part.csv").read_bytes() == expected
    samples = PredictConfig(samples=10_000)
    needs = [
        plan_predict(made, None, config).memory
        for config in (samples, replace(samples, shard=Shard(number=1, count=10)))
    ]
    assert needs[0] is not None
    assert needs[1] is not None
    assert needs[0]["need"] > needs[1]["need"]


def test_the_format_is_checked_before_the_run_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="writes only CSV"):
        forecast(tmp_path / "absent", shard=Shard(number=1, count=2), format="json")
