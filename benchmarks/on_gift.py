"""Accuracy compared with pretrained models by the protocol of GIFT-Eval, on ETTh1, its means and M4 hourly."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gift
import goals
import m4
import numpy as np
from command import Choice, Notebook, each_seed, lstm, medians

QUANTILES = ("--quantiles", ",".join(f"{probability:g}" for probability in gift.PROBABILITIES))


def chosen(only: Sequence[str]) -> list[gift.DataSet]:
    """Return the data sets with these names, or all.

    Raises:
        ValueError: a name is unknown.
    """
    unknown = set(only) - {data_set.name for data_set in gift.DATA_SETS}
    if unknown:
        known = ", ".join(data_set.name for data_set in gift.DATA_SETS)
        raise ValueError(f"not found: {', '.join(sorted(unknown))}; the data sets are {known}")
    return [data_set for data_set in gift.DATA_SETS if not only or data_set.name in only]


def run(
    notebook: Notebook, data: Path, data_sets: list[gift.DataSet], seeds: list[int], choices: list[Choice]
) -> None:
    """Print a table for each data set, then the goals.

    Args:
        notebook: printer of the rows.
        data: folder with ETTh1.csv, m4_hourly_train.csv, m4_hourly_test.csv and gift_eval.csv.
        data_sets: data sets to measure.
        seeds: random seeds.
        choices: settings of the trainings.
    """
    measured: list[tuple[gift.DataSet, Choice, dict[str, float]]] = []
    for data_set in data_sets:
        notebook.say(f"\n## {data_set.title}\n")
        notebook.head(
            "model", "seed", "MASE", "WQL", "MASE / seasonal naive's", "WQL / seasonal naive's MASE",
            "coverage 80", "coverage 95", "train, s",
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder, notebook.attempt(data_set.name):
            prepared = prepare(notebook, data, data_set, Path(folder))
            naive = gift.scores(prepared.seasonal_naive(data_set.season), data_set.season)
            for choice in choices:
                result = one_choice(notebook, data_set, prepared, naive, seeds, choice)
                measured += [(data_set, choice, figures) for figures in result]
            notebook.row(
                "seasonal naive", "", *with_ratios(**naive, reference=naive["mase"]).values(), *[""] * 3
            )
            compare_published(notebook, data, data_set)
    against_goals(notebook, measured)


@dataclass(frozen=True, kw_only=True)
class Window:
    """One origin: the file of known rows, and known and true values by channel."""

    file: Path | None  # None: the data of the run
    known: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Run directory with data, and the windows to forecast."""

    run_dir: str
    windows: list[Window]
    columns: Callable[[Path], gift.Columns]  # reader of a forecast file

    def forecasts(self, options: list[str]) -> list[gift.Forecast]:
        """Return the forecasts of all windows by `lstm predict`, each in a fresh process."""
        result: list[gift.Forecast] = []
        output = Path(self.run_dir).parent / "forecast.csv"
        for window in self.windows:
            new = [] if window.file is None else [str(window.file)]
            lstm("predict", self.run_dir, *new, "-o", str(output), *QUANTILES, *options)
            result += gift.forecasts(window.known, window.truth, self.columns(output))
        return result

    def seasonal_naive(self, season: int) -> list[gift.Forecast]:
        """Return the seasonal naive forecasts of all windows."""
        return [
            forecast
            for window in self.windows
            for forecast in gift.seasonal_naive(window.known, window.truth, season)
        ]


def prepare(notebook: Notebook, data: Path, data_set: gift.DataSet, folder: Path) -> Prepared:
    """Return the prepared data set. Training and validation end before the first origin.

    Args:
        notebook: record of the warnings.
        data: folder with the data.
        data_set: data set to prepare.
        folder: folder of the run and of the files of known rows.
    """
    if data_set.name == "m4_hourly":
        file, options, prepared = m4_windows(data, folder)
    else:
        file, options, prepared = etth1_windows(data, data_set, folder)
    horizon = ("--horizon", str(data_set.horizon), "--test", "0")
    report, _ = lstm("prepare", str(file), prepared.run_dir, *options, *horizon)
    for warning in report["warnings"]:
        notebook.keep(data=data_set.name, warning=warning)
    return prepared


def m4_windows(data: Path, folder: Path) -> tuple[Path, list[str], Prepared]:
    """Return the table of the training rows, its options of `lstm prepare`, and the only window.

    Args:
        data: folder with m4_hourly_train.csv and m4_hourly_test.csv.
        folder: folder of the table and the run.
    """
    wide = m4.read_wide(data / "m4_hourly_train.csv")
    file = folder / "m4_hourly.csv"
    m4.write_long(wide, file)
    known, truth = (
        {name: np.array(cells, dtype=float) for name, cells in series.items()}
        for series in (wide, m4.read_wide(data / "m4_hourly_test.csv"))
    )
    window = Window(file=None, known=known, truth=truth)
    prepared = Prepared(run_dir=str(folder / "run"), windows=[window], columns=gift.panel_columns)
    return file, ["--target", "value", "--series", "series"], prepared


def etth1_windows(data: Path, data_set: gift.DataSet, folder: Path) -> tuple[Path, list[str], Prepared]:
    """Return the table of all rows, its options of `lstm prepare`, and the windows.

    Args:
        data: folder with ETTh1.csv.
        data_set: data set with the horizon and the period of its means.
        folder: folder of the tables and the run.
    """
    table = gift.read_etth1(data / "ETTh1.csv")
    table = gift.means(table, data_set.mean_of) if data_set.mean_of else table
    rows, file = len(table.times), folder / "all.csv"
    gift.write(table, rows, file)
    origins = gift.origins(rows, data_set.horizon)
    channels = dict(zip(gift.CHANNELS, table.values.T, strict=True))
    windows = []
    for origin in origins:
        known_rows = folder / f"known_{origin}.csv"
        gift.write(table, origin, known_rows)
        known = {name: values[:origin] for name, values in channels.items()}
        truth = {name: values[origin : origin + data_set.horizon] for name, values in channels.items()}
        windows.append(Window(file=known_rows, known=known, truth=truth))
    targets = [word for channel in gift.CHANNELS for word in ("--target", channel)]
    prepared = Prepared(run_dir=str(folder / "run"), windows=windows, columns=gift.forecast_columns)
    return file, [*targets, "--end", f"row:{origins[0]}"], prepared


def with_ratios(mase: float, wql: float, reference: float) -> dict[str, float]:
    """Return both scores and their ratios to the MASE of the seasonal naive forecast."""
    return {"mase": mase, "wql": wql, "mase_ratio": mase / reference, "wql_ratio": wql / reference}


def one_choice(
    notebook: Notebook,
    data_set: gift.DataSet,
    prepared: Prepared,
    naive: dict[str, float],
    seeds: list[int],
    choice: Choice,
) -> list[dict[str, float]]:
    """Print a row for each seed, then the medians.

    Args:
        notebook: printer of the rows.
        data_set: data set to measure.
        prepared: its run directory and windows.
        naive: scores of the seasonal naive forecast.
        seeds: random seeds.
        choice: settings of the training.

    Returns:
        The figures of each seed that did not fail.
    """
    label = (f"lstm, effort {choice.effort}, refit {choice.refit}",)

    def once(seed: int) -> dict[str, float]:
        trained, seconds = lstm("train", prepared.run_dir, "--seed", str(seed), *choice.options())
        made = prepared.forecasts(choice.thread_options())
        measured = {
            **with_ratios(**gift.scores(made, data_set.season), reference=naive["mase"]),
            **{f"coverage_{level}": gift.coverage(made, level) for level in gift.LEVELS},
            "seconds": seconds,
        }
        notebook.row(*label, seed, *measured.values())
        notebook.keep(
            data=data_set.name, effort=choice.effort, refit=choice.refit, seed=seed, **measured,
            seasonal_naive=naive, loop_seconds=trained["seconds"],
        )  # fmt: skip
        return measured

    result = each_seed(notebook, seeds, label, once)
    if len(result) > 1:
        medians(notebook, label, result)
    return result


def compare_published(notebook: Notebook, data: Path, data_set: gift.DataSet) -> None:
    """Print the published figures, with ratios to the published seasonal naive forecast.

    Args:
        notebook: printer of the rows.
        data: folder with gift_eval.csv.
        data_set: data set of the figures.
    """
    rows = gift.published(data / "gift_eval.csv", data_set)
    reference = next(row for row in rows if row.model == gift.SEASONAL_NAIVE)
    for label, row in {**gift.selected(rows), "seasonal naive, published": reference}.items():
        notebook.row(
            label, "", *with_ratios(row.mase, row.wql, reference.mase).values(), *[""] * 3
        )  # fmt: skip


def against_goals(notebook: Notebook, measured: list[tuple[gift.DataSet, Choice, dict[str, float]]]) -> None:
    """Print the goals of each measured data set, with the median over the seeds and a verdict.

    Args:
        notebook: printer of the rows.
        measured: data set, choice and figures of each seed.
    """
    measured_names = {data_set.name for data_set, _, _ in measured}
    with_goal = {(name, key): row for (name, key), row in goals.GIFT.items() if name in measured_names}
    if not with_goal:
        return
    notebook.say("\n## Goals\n")
    notebook.head("figure", "relative to", "effort", "refit", "median", "goal", "stretch goal", "result")
    for (name, key), row in with_goal.items():
        for choice in dict.fromkeys(choice for _, choice, _ in measured):
            figures = [
                each[key] for data_set, item, each in measured if (data_set.name, item) == (name, choice)
            ]
            if figures:
                middle = float(np.median(figures))
                notebook.row(
                    row.what, row.reference, choice.effort, choice.refit, middle, row.goal,
                    row.stretch, goals.verdict(row, middle),
                )  # fmt: skip
