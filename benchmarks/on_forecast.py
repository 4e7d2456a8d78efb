"""Speed of a forecast of many series: the model stage of `lstm predict`, compared with torch eager mode."""

import statistics
import sys
import tempfile
from pathlib import Path

import goals
import numpy as np
import pyarrow
import pyarrow.parquet
from command import Notebook, lstm
from timing import Worker, in_turn, ratio

EAGER = Path(__file__).with_name("eager.py")
LOOKBACK, HORIZON = 336, 24


def run(notebook: Notebook, repetitions: int, *, series: int, threads: int | None) -> None:
    """Print the seconds of the model stage in fp32 and int8.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        series: number of series.
        threads: CPU threads; None: all.
    """
    notebook.say(f"\n## A forecast of {series:,} series from {LOOKBACK} steps, `stacked` 2 x 64\n")
    notebook.head(
        "what",
        "compared with",
        "ratio",
        "goal",
        "result",
        "seconds",
        "its seconds",
        "whole command, s",
        "read, s",
        "write, s",
    )
    limit = [] if threads is None else ["--threads", str(threads)]
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("forecast of many series"):
        run_dir = make_run(Path(folder), series)
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
            result = in_turn(sides, repetitions)
        for precision, row in (("fp32", goals.MODEL), ("int8", goals.MODEL_INT8)):
            stages = {
                stage: statistics.median(item[stage] for item in reports[precision][1:])
                for stage in ("whole", "read", "write")
            }
            ratio_now = ratio(result[precision], result["torch"])
            own, other = (statistics.median(result[name]) for name in (precision, "torch"))
            notebook.row(
                row.what, row.reference, ratio_now, row.goal, goals.verdict(row, ratio_now), own, other,
                *stages.values(),
            )  # fmt: skip
            notebook.keep(table="forecast", what=row.what, ratio=ratio_now, own=own, other=other, **stages)


def make_run(folder: Path, series: int) -> str:
    """Return a run directory with a panel and a network that was trained for one epoch."""
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
    """Write a panel with a season of 7 steps and noise, each series at its own level.

    Args:
        path: Parquet file.
        series: number of series.
        rows: rows of each series.
    """
    rng = np.random.default_rng(0)
    phase = 2 * np.pi * np.arange(rows) / 7
    values = 10 * (1 + np.arange(series))[:, None] + np.sin(phase) + 0.3 * rng.normal(size=(series, rows))
    times = np.datetime64("2020-01-01", "h") + np.arange(rows)
    table = pyarrow.table(
        {
            "name": np.repeat(np.array([f"s{item:05d}" for item in range(series)]), rows),
            "time": pyarrow.array(np.tile(times.astype("datetime64[us]"), series)),
            "value": values.reshape(-1),
        }
    )
    pyarrow.parquet.write_table(table, path)
