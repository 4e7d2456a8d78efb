"""Tests of lookahead: rows after validation do not change a byte of the model, even after gaps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from small_steps import TRAIN

from lstm_cli.config import PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

VAL_END = 140  # row of the first test row
PREPARE = PrepareConfig(
    target=("load",),
    past=("price",),
    future=("promo",),
    horizon=6,
    lookback=24,
    season=(12,),
    val="20",
    test="60",
)
NETWORK = replace(TRAIN, parts=("linear", "anchored"), refit=True, log_transform="off")


def written(path: Path, *, spoilt: bool) -> Path:
    """Write 200 hours. Each column has a gap at the end of validation. spoilt: change all later values."""
    rng = np.random.default_rng(0)
    promo = (rng.random(200) < 0.3) + 0.1 * rng.normal(size=200)
    load = 20 + 5 * np.sin(np.arange(200) * 2 * np.pi / 12) + 3 * promo + 0.3 * rng.normal(size=200)
    columns = np.stack([load, rng.normal(size=200), promo], axis=1)
    if spoilt:
        columns[VAL_END:] = 500 * rng.normal(size=(60, 3))
    columns[137:143, 0] = columns[130:150, 1] = columns[132:150, 2] = np.nan
    lines = ["time,load,price,promo"]
    for row, values in enumerate(columns):
        cells = ("" if np.isnan(value) else f"{value:.4f}" for value in values)
        lines.append(f"{np.datetime64('2024-01-01') + np.timedelta64(row, 'h')}:00,{','.join(cells)}")
    path.write_text("\n".join(lines).replace("T", " ") + "\n")
    return path


def test_test_rows_change_no_byte_of_the_model(tmp_path: Path) -> None:
    made = []
    for spoilt in (False, True):
        run = tmp_path / f"run{spoilt}"
        prepare(str(written(tmp_path / f"{spoilt}.csv", spoilt=spoilt)), run, PREPARE, ignore_events)
        train(run, NETWORK, ignore_events)
        with open_run(run) as opened:
            files = opened.artifact("model").files
        made.append({name: file["sha256"] for name, file in files.items()})
    assert {"weights.safetensors", "model.onnx", "intervals.json", "validated.onnx"} <= set(made[0])
    assert made[0] == made[1]
