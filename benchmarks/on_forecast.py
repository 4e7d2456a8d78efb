"""A forecast of many series: what the model takes within `lstm predict`, beside the same network in torch."""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import reach
from command import Notebook, lstm
from timing import Worker, in_turn, ratio

EAGER = Path(__file__).with_name("eager.py")
LOOKBACK, HORIZON = 336, 24


def run(notebook: Notebook, repetitions: int, *, series: int, threads: int | None) -> None:
    notebook.say(f"\n## A forecast of {series:,} series from {LOOKBACK} steps, `stacked` 2 x 64\n")
    notebook.head(
        "what",
        "beside",
        "ratio",
        "reach",
        "",
        "seconds",
        "beside, s",
        "whole command, s",
        "read, s",
        "write, s",
    )
    limit = [] if threads is None else ["--threads", str(threads)]
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("forecast of many series"):
        run_dir = made(Path(folder), series)
        command = [sys.executable, str(EAGER), run_dir, *limit]
        reports: dict[str, list[dict]] = {"fp32": [], "int8": []}

        def predict(precision: str) -> float:
            output = str(Path(folder) / "forecast.csv")
            words = ("predict", run_dir, "-o", output, "--precision", precision, *limit)
            report, whole = lstm(*words)
            reports[precision].append(report["seconds"] | {"whole": whole})
            return float(report["seconds"]["model"])

        with Worker(command) as eager:
            sides = {"fp32": lambda: predict("fp32"), "int8": lambda: predict("int8"), "torch": eager}
            found = in_turn(sides, repetitions)
        for precision, row in (("fp32", reach.MODEL), ("int8", reach.MODEL_INT8)):
            told = {
                stage: statistics.median(one[stage] for one in reports[precision][1:])
                for stage in ("whole", "read", "write")
            }
            ratio_now = ratio(found[precision], found["torch"])
            own, other = (statistics.median(found[name]) for name in (precision, "torch"))
            notebook.row(
                row.what, row.beside, ratio_now, row.reach, reach.verdict(row, ratio_now), own, other,
                *told.values(),
            )  # fmt: skip
            notebook.keep(table="forecast", what=row.what, ratio=ratio_now, own=own, other=other, **told)


def made(folder: Path, series: int) -> str:
    """A run with so many series and a network that was trained for one epoch."""
    source, run_dir = folder / "panel.parquet", folder / "run"
    write_panel(source, series, LOOKBACK + 2 * HORIZON)
    sizes = ("--lookback", str(LOOKBACK), "--horizon", str(HORIZON), "--val", str(HORIZON), "--test", "0")
    lstm(
        "prepare",
        str(source),
        str(run_dir),
        "--series",
        "name",
        "--target",
        "value",
        "--season",
        "none",
        *sizes,
    )
    lstm("train", str(run_dir), "--model", "stacked", "--epochs", "1", "--log-transform", "off")
    lstm("quantize", str(run_dir), "--max-loss", "100%")
    return str(run_dir)


def write_panel(path: Path, series: int, rows: int) -> None:
    """Daily waves with noise, each series at its own level."""
    chance = np.random.default_rng(0)
    turn = 2 * np.pi * np.arange(rows) / 7
    values = 10 * (1 + np.arange(series))[:, None] + np.sin(turn) + 0.3 * chance.normal(size=(series, rows))
    times = np.datetime64("2020-01-01", "h") + np.arange(rows)
    table = pyarrow.table(
        {
            "name": np.repeat(np.array([f"s{one:05d}" for one in range(series)]), rows),
            "time": pyarrow.array(np.tile(times.astype("datetime64[us]"), series)),
            "value": values.reshape(-1),
        }
    )
    pyarrow.parquet.write_table(table, path)
