"""Accuracy on M4 hourly: 414 series, 48 steps ahead, scored against the test file of the competition."""

import tempfile
from pathlib import Path

import m4
import numpy as np
import published
from command import Choice, Notebook, each_seed, lstm, medians

HORIZON = 48


def run(notebook: Notebook, data: Path, seeds: list[int], choices: list[Choice]) -> None:
    """Print the scores of Naive2, and of each choice and seed.

    Args:
        notebook: printer of the rows.
        data: folder with m4_hourly_train.csv and m4_hourly_test.csv, one series in each line.
        seeds: random seeds.
        choices: settings of the trainings.
    """
    notebook.say("\n## M4 hourly\n")
    notebook.head("effort", "refit", "seed", "sMAPE", "MASE", "OWA", "coverage 80", "coverage 95", "train, s")
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("M4 hourly"):
        wide = m4.read_wide(data / "m4_hourly_train.csv")
        training = {name: np.array(cells, dtype=float) for name, cells in wide.items()}
        future = m4.read_wide(data / "m4_hourly_test.csv")
        truth = {name: np.array(cells, dtype=float) for name, cells in future.items()}
        reference = {name: m4.naive2(values, HORIZON) for name, values in training.items()}
        notebook.row("Naive2", "", "", *m4.scores(training, truth, reference).values(), None, None, None)
        table, run_dir = Path(folder) / "m4_hourly.csv", str(Path(folder) / "run")
        m4.write_long(wide, table)
        options = ("--target", "value", "--series", "series", "--horizon", str(HORIZON))
        prepared, _ = lstm("prepare", str(table), run_dir, *options, "--val", str(HORIZON), "--test", "0")
        for warning in prepared["warnings"]:
            notebook.keep(data="M4 hourly", warning=warning)
        for choice in choices:
            one_choice(notebook, run_dir, (training, truth), seeds, choice)
    notebook.say("\nPublished:\n")
    notebook.head("", "sMAPE", "MASE", "OWA")
    for name, figures in published.M4_HOURLY.items():
        notebook.row(name, *figures)


def one_choice(
    notebook: Notebook, run_dir: str, known: tuple[dict, dict], seeds: list[int], choice: Choice
) -> None:
    """Print a row for each seed, then the medians.

    Args:
        notebook: printer of the rows.
        run_dir: run directory with data.
        known: training rows and true values of each series.
        seeds: random seeds.
        choice: settings of the training.
    """
    label = (choice.effort, choice.refit)

    def once(seed: int) -> dict:
        trained, seconds = lstm("train", run_dir, "--seed", str(seed), *choice.options())
        forecast = Path(run_dir).parent / "forecast.csv"
        lstm("predict", run_dir, "-o", str(forecast), *choice.thread_options())
        measured = {
            **m4.scores(*known, m4.read_forecast(forecast)),
            **{f"coverage_{level}": m4.coverage(known[1], forecast, level) for level in (80, 95)},
            "seconds": seconds,
        }
        notebook.row(*label, seed, *measured.values())
        notebook.keep(
            data="M4 hourly", effort=choice.effort, refit=choice.refit, seed=seed, **measured,
            loop_seconds=trained["seconds"],
        )  # fmt: skip
        return measured

    medians(notebook, label, each_seed(notebook, seeds, label, once))
