"""Accuracy on ETTh1 with the published protocol: 8640/2880/2880 rows, 7 channels, every test window, scaled units."""

import tempfile
from pathlib import Path

import published
from command import Choice, Notebook, each_seed, lstm, medians

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
SPLITS = ("--end", "row:14400", "--val", "2880", "--test", "2880")


def run(notebook: Notebook, horizons: list[int], seeds: list[int], choices: list[Choice]) -> None:
    """Print the scores of each horizon, choice and seed.

    Args:
        notebook: printer of the rows.
        horizons: horizons in steps.
        seeds: random seeds.
        choices: settings of the trainings.
    """
    notebook.say("\n## ETTh1\n")
    notebook.head(
        "horizon", "effort", "refit", "seed", "MSE", "MAE", "linear MSE", "linear MAE",
        "coverage 80", "coverage 95", "train, s",
    )  # fmt: skip
    for horizon in horizons:
        with tempfile.TemporaryDirectory() as folder, notebook.attempt(horizon):
            run_dir = str(Path(folder) / "run")
            targets = [word for channel in CHANNELS for word in ("--target", channel)]
            lstm("prepare", str(SAMPLE), run_dir, *targets, "--horizon", str(horizon), *SPLITS)
            for choice in choices:
                one_choice(notebook, run_dir, horizon, seeds, choice)
    notebook.say("\nPublished, MSE/MAE:\n")
    notebook.head("", *(str(horizon) for horizon in published.HORIZONS))
    for name, figures in published.ETTH1.items():
        notebook.row(name, *figures)


def one_choice(notebook: Notebook, run_dir: str, horizon: int, seeds: list[int], choice: Choice) -> None:
    """Print a row for each seed, then the medians.

    Args:
        notebook: printer of the rows.
        run_dir: run directory with data.
        horizon: horizon in steps.
        seeds: random seeds.
        choice: settings of the training.
    """
    label = (horizon, choice.effort, choice.refit)

    def once(seed: int) -> dict:
        trained, seconds = lstm("train", run_dir, "--seed", str(seed), *choice.options())
        report, _ = lstm("evaluate", run_dir, *choice.thread_options())
        own, linear = report["metrics"], report["baselines"]["linear"]
        measured = {
            "mse": own["mse_scaled"],
            "mae": own["mae_scaled"],
            "linear_mse": linear["mse_scaled"],
            "linear_mae": linear["mae_scaled"],
            "coverage_80": report["coverage"]["80"],
            "coverage_95": report["coverage"]["95"],
            "seconds": seconds,
        }
        notebook.row(*label, seed, *measured.values())
        notebook.keep(
            data="ETTh1", horizon=horizon, effort=choice.effort, refit=choice.refit, seed=seed, **measured,
            loop_seconds=trained["seconds"],
        )  # fmt: skip
        return measured

    medians(notebook, label, each_seed(notebook, seeds, label, once))
