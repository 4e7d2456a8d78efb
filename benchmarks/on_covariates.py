"""Words, static columns and holidays as covariates: error with and without them, where they help and where not."""

import csv
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from command import Choice, Notebook, each_seed, lstm
from planted_panel import write_panel

SAMPLES = Path(__file__).parents[1] / "sample_data"
PANEL = ("--series", "shop", "--target", "sales", "--horizon", "14")
PROMO, HOLIDAYS, STATIC = ("--future", "promo"), ("--holidays", "DE"), ("--static", "type")
# Planted panel: settings, and the row that they are compared with.
PLANTED = {
    "nothing": ((), None),
    "promo": (PROMO, "nothing"),
    "holidays DE": (HOLIDAYS, "nothing"),
    "promo, holidays DE": ((*PROMO, *HOLIDAYS), "nothing"),
    "promo, holidays DE, static type": ((*PROMO, *HOLIDAYS, *STATIC), "promo, holidays DE"),
}
RANDOM_WORD = {"past word": ("--past", "word"), "future word": ("--future", "word")}
OTHER_HOLIDAYS = {"holidays BR": ("--holidays", "BR")}
RANDOM_STATIC = {
    "static kind, number": ("--static", "kind", "--static", "number"),
}


# Data of sample_data in which the covariates hold nothing: options of prepare, and covariates.
EMPTY = {
    "panel.csv": ((*PANEL, "--future", "promo"), RANDOM_WORD | OTHER_HOLIDAYS | RANDOM_STATIC),
    "ETTh1.csv": (
        ("--target", "OT", "--horizon", "24", "--end", "row:3000"),
        RANDOM_WORD | OTHER_HOLIDAYS,
    ),
    "monthly.csv": ((), RANDOM_WORD),
}


def run(notebook: Notebook, seeds: list[int], choice: Choice, only: Sequence[str] = ()) -> None:
    """Print the errors on the planted panel, then on data in which the covariates hold nothing.

    Args:
        notebook: printer of the rows.
        seeds: random seeds.
        choice: settings of the trainings.
        only: files to measure: planted.csv and those of EMPTY; empty: all.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if not only or "planted.csv" in only:
            write_panel(folder / "planted.csv")
            notebook.say("\n## Planted effects\n")
            compare(notebook, folder / "planted.csv", PANEL, PLANTED, seeds, choice)
        for name, (options, covariates) in EMPTY.items():
            if not only or name in only:
                notebook.say(f"\n## Nothing to find: {name}\n")
                add_random_columns(SAMPLES / name, folder / name)
                cases = {"nothing": ((), None)} | {
                    key: (words, "nothing") for key, words in covariates.items()
                }
                compare(notebook, folder / name, options, cases, seeds, choice)


def compare(
    notebook: Notebook,
    source: Path,
    options: Sequence[str],
    cases: dict[str, tuple[Sequence[str], str | None]],
    seeds: list[int],
    choice: Choice,
) -> None:
    """Print a row for each case: the errors of the model on the test rows, and the change of MASE.

    Args:
        notebook: printer of the rows.
        source: data file.
        options: options of each `lstm prepare`.
        cases: for each row its further options, and the row that it is compared with.
        seeds: random seeds.
        choice: settings of the trainings.
    """
    notebook.head("covariates", "MASE", "MAE", "compared with", "change of MASE")
    result: dict[str, float] = {}
    for name, (covariates, base) in cases.items():

        def once(seed: int, name: str = name, covariates: Sequence[str] = covariates) -> dict:
            with tempfile.TemporaryDirectory() as temporary:
                lstm("prepare", str(source), f"{temporary}/run", *options, *covariates)
                lstm("train", f"{temporary}/run", "--seed", str(seed), *choice.options())
                metrics = lstm("evaluate", f"{temporary}/run", *choice.thread_options())[0]["metrics"]
            notebook.keep(data=source.name, covariates=name, seed=seed, **metrics)
            return metrics

        measured = each_seed(notebook, seeds, (name,), once)
        if not measured:
            continue
        result[name] = statistics.median(item["mase"] for item in measured)
        change = f"{result[name] / result[base] - 1:+.1%}" if base in result else ""
        notebook.row(
            name, result[name], statistics.median(item["mae"] for item in measured), base, change
        )  # fmt: skip


def add_random_columns(source: Path, target: Path) -> None:
    """Write a file with columns that hold nothing: `word` in each row, `kind` and `number` of each shop.

    Args:
        source: data file with a header.
        target: new file.
    """
    with source.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rng = np.random.default_rng(0)
    shop = header.index("shop") if "shop" in header else 0
    names = dict.fromkeys(row[shop] for row in rows) if "shop" in header else {}
    static = {name: (str(rng.choice(["x", "y", "z"])), f"{rng.normal():.3f}") for name in names}
    words = rng.choice(["red", "green", "blue", "black"], size=len(rows))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, "word", "kind", "number"])
        writer.writerows(
            [*row, word, *static.get(row[shop], ("", ""))] for row, word in zip(rows, words, strict=True)
        )
