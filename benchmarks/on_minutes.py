"""Accuracy, time and memory of the defaults on a million generated minutes, compared with naive baselines."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from command import Notebook, lstm
from timing import spent

from lstm_cli.config import EvaluateConfig
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate.score_model import score_subject, scoring_subject

DAY, WEEK = 1_440, 10_080  # steps


def minutes(rows: int, *, seed: int = 0) -> np.ndarray:
    """Return a series [rows] with a daily and a weekly season, a drift and noise.

    A day has a trough at night and two peaks. Saturdays and Sundays are lower and flatter. The drift is an AR(1)
    process with coefficient .995 (half-life 2.3 hours) and deviation 2. The noise has deviation 1.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(rows)
    phase = 2 * np.pi * (at % DAY) / DAY
    weekend = at % WEEK >= 5 * DAY
    day = -8 * np.cos(phase) - 4 * np.cos(2 * phase - 1)
    drift = _first_order(rng.normal(size=rows), 0.995) * 2 * np.sqrt(1 - 0.995**2)
    return 60 + np.where(weekend, 0.5 * day - 6, day) + drift + rng.normal(size=rows)


def _first_order(shocks: np.ndarray, coefficient: float) -> np.ndarray:
    """Return x_t = coefficient x_(t-1) + shock_t."""
    result = np.empty_like(shocks)
    value = 0.0
    for place, shock in enumerate(shocks.tolist()):
        value = coefficient * value + shock
        result[place] = value
    return result


def write_minutes(path: Path, values: np.ndarray, *, step: int = 1) -> None:
    """Write a CSV file with times from Monday, 1 January 2024.

    Args:
        path: CSV file.
        values: series [rows].
        step: minutes between two rows.
    """
    times = np.datetime64("2024-01-01T00:00") + np.arange(len(values)) * np.timedelta64(step, "m")
    lines = (f"{time},{value:.3f}\n" for time, value in zip(times.astype(str), values.tolist(), strict=True))
    path.write_text("time,value\n" + "".join(lines))


def naive_errors(values: np.ndarray, *, origins: np.ndarray, horizon: int) -> dict[str, float]:
    """Return the mean absolute error of each naive baseline.

    Args:
        values: series [rows].
        origins: row of the first target of each window.
        horizon: steps ahead.
    """
    seasons = {"naive": 1, f"seasonal naive ({DAY})": DAY, f"seasonal naive ({WEEK})": WEEK}
    return {
        name: float(
            np.mean(
                [
                    np.abs(values[origins + step] - values[origins - season + step % season]).mean()
                    for step in range(horizon)
                ]
            )
        )
        for name, season in seasons.items()
    }


def scored(run: Path, most: int | None) -> tuple[float, np.ndarray]:
    """Return the error of the model in file units, and the origins of the scored test windows.

    If `most` is given, at most that many windows are scored, evenly spaced.
    """
    with open_run(run) as opened:
        subject = scoring_subject(opened, EvaluateConfig())
        windows = subject.windows if most is None else subject.windows.sample(most)
        result = score_subject(replace(subject, windows=windows), ignore_events)
        error = metrics.overall_scores(result.sums["model"], scoring.metric_scale(subject.dataset))["mae"]
    assert error is not None
    return error, windows.origins


def measure(notebook: Notebook, rows: int, options: list[str], folder: Path, most: int | None) -> None:
    """Print a row of the model and of each naive baseline, on the same test windows.

    Args:
        notebook: printer of the rows.
        rows: length of the series.
        options: options of `lstm prepare`.
        folder: empty folder for data and run.
        most: maximum number of test windows; None: all.
    """
    values = np.round(minutes(rows), 3)
    data, run = folder / "minutes.csv", str(folder / "run")
    write_minutes(data, values)
    prepared, _ = lstm("prepare", str(data), run, *options)
    usage = spent([sys.executable, "-m", "lstm_cli", "train", run])
    trained, _ = lstm("train", run)  # up to date: returns the stored report
    horizon = prepared["horizon"]
    error, origins = scored(Path(run), most)
    errors = naive_errors(values, origins=origins, horizon=horizon)
    best = min(errors.values())
    notebook.say(f"\n{rows:,} rows, horizon {horizon}, {len(origins):,} test windows")
    notebook.say(f"lookback {prepared['lookback']:,}; the model reads {trained['reads_rows']:,} rows")
    notebook.say(f"train: {usage.wall:.0f} s, {usage.cpu:.0f} s of CPU time, {usage.mib:.0f} MiB\n")
    notebook.head("forecast", "MAE", "compared with the best naive baseline")
    for name, item in {"lstm": error, **errors}.items():
        notebook.row(name, item, f"{item / best - 1:+.1%}")
    notebook.keep(table="minutes", rows=rows, horizon=horizon, model=error, naive=errors)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="length of the series")
    parser.add_argument(
        "--horizon", type=int, action="append", help="in minutes; may be repeated; default: a day"
    )
    parser.add_argument(
        "--windows", type=int, help="maximum number of test windows, evenly spaced; default: all"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args()
    notebook = Notebook(options.record)
    for horizon in options.horizon or [None]:
        words = [] if horizon is None else ["--horizon", str(horizon)]
        with tempfile.TemporaryDirectory() as folder, notebook.attempt(f"horizon {horizon}"):
            measure(notebook, options.rows, words, Path(folder), options.windows)
    return int(notebook.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
