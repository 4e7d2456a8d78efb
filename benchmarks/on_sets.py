"""Accuracy of the defaults on the collected sets (datasets.py), compared with the best baseline."""

import json
import math
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from command import Choice, Notebook, each_seed, lstm

BASELINES = ("naive", "seasonal_naive", "linear")
QUANTILE_SCORES = ("coverage 80", "coverage 95", "wql", "wis_scaled")
ENOUGH = 28  # horizons of validation rows that make the choices of lstm reliable


def listed(folder: Path, group: str, only: Sequence[str]) -> list[dict]:
    """Return the sets of a group.

    Args:
        folder: folder that datasets.py wrote.
        group: look, closed or all.
        only: names of sets; empty: all sets of the group.

    Raises:
        ValueError: a name is not in the group, so no closed set is scored by mistake.
    """
    sets = json.loads((folder / "sets.json").read_text())
    sets = [item for item in sets if group in (item["group"], "all")]
    unknown = set(only) - {item["name"] for item in sets}
    if unknown:
        raise ValueError(f"not found in group {group}: {', '.join(sorted(unknown))}")
    return [item for item in sets if not only or item["name"] in only]


def prepare_each(notebook: Notebook, folder: Path, sets: list[dict]) -> None:
    """Print the report of `lstm prepare` for each file, to check how it is read.

    Args:
        notebook: printer of the rows.
        folder: folder that datasets.py wrote.
        sets: entries of sets.json.
    """
    notebook.say("\n## Prepared\n")
    notebook.head(
        "set", "group", "kind", "rows", "step", "seasons", "L", "H", "windows", "filled", "warnings"
    )
    for item in sets:
        with tempfile.TemporaryDirectory() as temporary, notebook.attempt(item["name"], item["group"]):
            report, _ = lstm("prepare", str(folder / item["file"]), f"{temporary}/run", *item["prepare"])
            windows = "/".join(str(report["windows"][split]) for split in ("train", "val", "test"))
            notebook.row(
                item["name"], item["group"], item["kind"], report["rows"], report["freq"], report["seasons"],
                report["lookback"], report["horizon"], windows, report["filled"], len(report["warnings"]),
            )  # fmt: skip
            notebook.keep(data=item["name"], prepared=report)


def horizons_of_validation(prepared: dict) -> float:
    """Return the validation rows of a series divided by the horizon."""
    rows = prepared["windows"]["val"] / max(1, prepared["series"]) + prepared["horizon"] - 1
    return rows / prepared["horizon"]


def compared(report: dict) -> dict:
    """Return the test error of the model, that of the best baseline and their ratio, by MASE or, if undefined, MAE."""
    baselines = {name: report["baselines"][name] for name in BASELINES if name in report["baselines"]}
    metric = (
        "mase"
        if all(item["mase"] is not None for item in (report["metrics"], *baselines.values()))
        else "mae"
    )
    best = min(baselines, key=lambda name: baselines[name][metric])
    own, baseline = report["metrics"][metric], baselines[best][metric]
    if not baseline:
        raise ValueError(
            f"{best} makes no error on these test rows, ours is {own:.4g}: the ratio is undefined"
        )
    return {"metric": metric, "error": own, "best": best, "simple": baseline, "ratio": own / baseline}


def quantile_scores(report: dict) -> dict:
    """Return QUANTILE_SCORES of a report of `lstm evaluate`."""
    covered = {f"coverage {level}": report["coverage"][level] for level in ("80", "95")}
    return covered | {name: report[name] for name in ("wql", "wis_scaled")}


def score(run_dir: str, seed: int, choice: Choice) -> dict:
    """Return the figures of one training.

    Args:
        run_dir: run directory with data.
        seed: random seed.
        choice: settings of the training.
    """
    trained, seconds = lstm("train", run_dir, "--seed", str(seed), *choice.options())
    report, _ = lstm("evaluate", run_dir, *choice.thread_options())
    measured = {**compared(report), "mae": report["metrics"]["mae"], "seconds": seconds}
    return {**measured, "loop_seconds": trained["seconds"], **quantile_scores(report)}


@contextmanager
def run_directory(runs: Path | None, name: str) -> Iterator[str]:
    """Yield the path of a run directory, in `runs`, or else in a folder that is deleted afterwards."""
    if runs is not None:
        runs.mkdir(parents=True, exist_ok=True)
        yield str(runs / name)
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield f"{temporary}/run"


def run(
    notebook: Notebook,
    folder: Path,
    sets: list[dict],
    seeds: list[int],
    choices: list[Choice],
    runs: Path | None = None,
) -> None:
    """Print a row for each set and choice, then a summary.

    Args:
        notebook: printer of the rows.
        folder: folder that datasets.py wrote.
        sets: entries of sets.json.
        seeds: random seeds.
        choices: settings of the trainings.
        runs: folder that keeps the run directories, each with the last training; None: they are deleted.
    """
    notebook.say("\n## Collected sets\n")
    notebook.head(
        "set", "kind", "rows", "H", "validation, H", "effort", "refit", "metric", "error", "best baseline",
        "baseline error", "ratio", "worst seed", "train, s", *QUANTILE_SCORES,
    )  # fmt: skip
    ratios: dict[Choice, list[tuple[str, float, float]]] = {choice: [] for choice in choices}
    for item in sets:
        with run_directory(runs, item["name"]) as run_dir, notebook.attempt(item["name"]):
            prepared, _ = lstm("prepare", str(folder / item["file"]), run_dir, *item["prepare"])
            checked = horizons_of_validation(prepared)
            for choice in choices:
                ratio = one_choice(notebook, item, run_dir, (prepared, checked), seeds, choice)
                if ratio is not None:
                    ratios[choice].append((item["name"], checked, ratio))
    for choice, result in ratios.items():
        notebook.say(f"\nEffort: {choice.effort}; refit: {choice.refit}.")
        summary(notebook, result)


def one_choice(
    notebook: Notebook, item: dict, run_dir: str, known: tuple[dict, float], seeds: list[int], choice: Choice
) -> float | None:
    """Print a row of the medians over the seeds.

    Args:
        notebook: printer of the row.
        item: entry of sets.json.
        run_dir: run directory with data.
        known: report of `prepare`, and the number of horizons that validation holds.
        seeds: random seeds.
        choice: settings of the training.

    Returns:
        The median ratio, or None if all seeds failed.
    """
    prepared, checked = known
    label = (item["name"], item["kind"], prepared["rows"], prepared["horizon"], f"{checked:.1f}")
    words = (choice.effort, choice.refit)

    def once(seed: int) -> dict:
        measured = score(run_dir, seed, choice)
        notebook.keep(
            data=item["name"], kind=item["kind"], group=item["group"], seed=seed, effort=choice.effort,
            refit=choice.refit, validation_horizons=checked, **measured,
        )  # fmt: skip
        return measured

    result = each_seed(notebook, seeds, (*label, *words), once)
    if not result:
        return None
    keys = ("error", "ratio", "seconds", *QUANTILE_SCORES)
    middle = {key: statistics.median(seed[key] for seed in result) for key in keys}
    notebook.row(
        *label, *words, result[0]["metric"], middle["error"], result[0]["best"], result[0]["simple"],
        middle["ratio"], max(seed["ratio"] for seed in result), middle["seconds"],
        *(middle[key] for key in QUANTILE_SCORES),
    )  # fmt: skip
    return middle["ratio"]


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def summary(notebook: Notebook, result: list[tuple[str, float, float]]) -> None:
    """Print the geometric mean and the worst ratio for short, long and any validation.

    `found` has the name, the number of validation horizons and the ratio of each set.
    """
    notebook.say("")
    notebook.head("validation holds", "sets", "geometric mean", "worst", "model better", "worst set")
    for name, chosen in (
        (f"{ENOUGH} horizons or more", [item for item in result if item[1] >= ENOUGH]),
        ("fewer", [item for item in result if item[1] < ENOUGH]),
        ("any", result),
    ):
        if chosen:
            ratios = [ratio for _, _, ratio in chosen]
            worst = max(chosen, key=lambda item: item[2])
            better = f"{sum(ratio < 1 for ratio in ratios)}/{len(ratios)}"
            notebook.row(name, len(chosen), geometric_mean(ratios), worst[2], better, worst[0])


def with_covariates(
    notebook: Notebook, folder: Path, sets: list[dict], seeds: list[int], choice: Choice
) -> None:
    """Print the scores of each set with covariates: without them, with each kind, with all.

    Covariates known ahead have their true values. For weather, this equals a perfect weather forecast.

    Args:
        notebook: printer of the rows.
        folder: folder that datasets.py wrote.
        sets: entries of sets.json.
        seeds: random seeds.
        choice: settings of the trainings.
    """
    notebook.say("\n## Covariates\n")
    notebook.head("set", "covariates", "MAE", "ratio to none", "ratio to baseline", "train, s")
    for item in sets:
        kinds = item["covariates"]
        offered = {"none": [], **kinds}
        if len(kinds) > 1:
            offered["all"] = [word for words in kinds.values() for word in words]
        none: float | None = None
        for name, words in offered.items() if kinds else ():
            with tempfile.TemporaryDirectory() as temporary, notebook.attempt(item["name"], name):
                run_dir = f"{temporary}/run"
                lstm("prepare", str(folder / item["file"]), run_dir, *item["prepare"], *words)
                result = [score(run_dir, seed, choice) for seed in seeds]
                middle = {
                    key: statistics.median(seed[key] for seed in result)
                    for key in ("mae", "ratio", "seconds")
                }
                none = middle["mae"] if name == "none" else none
                over = None if none is None else middle["mae"] / none
                notebook.row(item["name"], name, middle["mae"], over, middle["ratio"], middle["seconds"])
                notebook.keep(data=item["name"], covariates=name, effort=choice.effort, seeds=seeds, **middle)
