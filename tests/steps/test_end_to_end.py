"""Tests of the five verbs in sequence, on files with steps of unequal length."""

import io
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import EvaluateConfig, PredictConfig, PrepareConfig, QuantizeConfig, TrainConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize(
    ("file", "effort", "freq", "season", "ahead"),
    [
        ("monthly.csv", "default", "ME", 12, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        # The data end on a Friday.
        (
            "business_days.csv",
            "fast",
            "B",
            5,
            ["2023-06-19", "2023-06-20", "2023-06-21", "2023-06-22", "2023-06-23"],
        ),
    ],
)
def test_the_five_verbs(
    tmp_path: Path, file: str, effort: str, freq: str, season: int, ahead: list[str]
) -> None:
    run = tmp_path / "run"
    prepared = prepare(str(SAMPLES / file), run, PrepareConfig(), ignore_events)
    assert (prepared.freq, prepared.season, prepared.horizon) == (freq, season, season)
    # Training is shorter than its effort level, because only the sequence of verbs is tested.
    trained = train(run, TrainConfig(effort=effort, epochs=1, lr=1e-3, threads=1), ignore_events)
    assert trained.choices["refit"].startswith("on" if trained.refitted else "none")
    assert set(trained.parts) - {"simple"} == {"linear", "anchored"} | (
        {"free"} if effort == "default" else set()
    )
    assert trained.val["mase"] < trained.val_baselines["seasonal_naive"]["mase"]
    scores = evaluate(run, EvaluateConfig(fail_if=("mae>seasonal_naive.mae",)), ignore_events)
    assert scores.windows == prepared.windows["test"]
    quantize(run, QuantizeConfig(), ignore_events)
    out = io.BytesIO()
    assert predict(run, None, PredictConfig(), ignore_events, stdout=out).precision == "int8"
    rows = [line.split(",") for line in out.getvalue().decode().splitlines()[1:]]
    assert [row[0] for row in rows[: len(ahead)]] == ahead
    assert len(rows) == season
    assert np.isfinite([float(row[1]) for row in rows]).all()
