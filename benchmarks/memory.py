"""Memory estimate of `--dry-run`, compared with the peak of a fresh process."""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command import Notebook, lstm
from timing import spent

STEPS = ("prepare", "train", "evaluate", "predict")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Shape of hourly data with a daily season and noise."""

    rows: int  # per series
    series: int = 1
    targets: int = 1
    options: tuple[str, ...] = ("--horizon", "24")  # options of `prepare`

    def write(self, path: Path) -> None:
        """Write a CSV file with times, series names (if there are several series) and targets."""
        rng = np.random.default_rng(0)
        daily = np.sin(2 * np.pi * np.arange(self.rows) / 24)
        times = (np.datetime64("2020-01-01T00:00") + np.arange(self.rows) * np.timedelta64(1, "h")).astype(
            str
        )
        names = [f"y{item}" for item in range(self.targets)]
        with path.open("w") as file:
            file.write(",".join(["time", *(["series"] if self.series > 1 else []), *names]) + "\n")
            for item in range(self.series):
                cells = 20 + 4 * daily[:, None] + rng.normal(size=(self.rows, self.targets))
                prefix = f"s{item}," if self.series > 1 else ""
                for time, row in zip(times, cells.tolist(), strict=True):
                    file.write(f"{time},{prefix}" + ",".join(f"{cell:.3f}" for cell in row) + "\n")

    def prepare(self, path: Path, run: Path) -> list[str]:
        """Return the arguments of `lstm prepare`."""
        series = ["--series", "series"] if self.series > 1 else []
        targets = [word for item in range(self.targets) for word in ("--target", f"y{item}")]
        return ["prepare", str(path), str(run), *series, *targets, *self.options]


CASES = {
    "1 series of 20,000 rows": Case(rows=20_000),
    "300 targets, 4,000 rows": Case(rows=4_000, targets=300),
    "2,000 series of 400 rows": Case(rows=400, series=2_000),
    "lookback 3,000, 20,000 rows": Case(rows=20_000, options=("--horizon", "24", "--lookback", "3000")),
    "horizon 720, 20,000 rows": Case(rows=20_000, options=("--horizon", "720")),
}


def measure(notebook: Notebook, name: str, case: Case, folder: Path) -> None:
    """Print a row for each step of a case.

    Args:
        notebook: printer of the rows.
        name: name of the case.
        case: shape of the data.
        folder: empty folder for data and run.
    """
    path, run = folder / "data.csv", folder / "run"
    case.write(path)
    words = {
        "prepare": case.prepare(path, run),
        "train": ["train", str(run), "--epochs", "1"],
        "evaluate": ["evaluate", str(run)],
        "predict": ["predict", str(run), "--output", str(folder / "forecast.csv")],
    }
    for step in STEPS:
        with notebook.attempt(name, step):
            plan, _ = lstm(*words[step], "--dry-run")
            estimate = plan["memory"]["need"] / 1e6
            peak = spent([sys.executable, "-m", "lstm_cli", *words[step]]).mib * 2**20 / 1e6
            notebook.row(name, step, round(estimate), round(peak), f"{estimate / peak:.2f}")
            notebook.keep(table="memory", case=name, step=step, estimate=estimate, peak=peak)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append", help="name of a case; may be repeated")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args()
    notebook = Notebook(options.record)
    notebook.head("data", "step", "estimate, MB", "peak, MB", "estimate / peak")
    for name in options.case or CASES:
        with tempfile.TemporaryDirectory() as folder:
            measure(notebook, name, CASES[name], Path(folder))
    return int(notebook.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
