"""Learned quantiles of trained runs, compared with symmetric intervals around the same forecasts, on the test rows.

.venv/bin/python benchmarks/reliability.py RUN...
.venv/bin/python benchmarks/reliability.py RUN RUN RUN --picture reliability.png

The symmetric intervals are those of release 0.1.0, which did not round the ends of counts. `lstm train` stores them as
a part of the learned quantiles. A run with only symmetric intervals has empty cells for the learned ones, and its panel
has one line. --picture draws a reliability diagram with a panel for each run: the share of the test values below a
quantile, for the probabilities .05 to .95.
"""

import argparse
import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from command import Notebook
from on_sets import geometric_mean

from lstm_cli.config import EvaluateConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import Bounds, inverse_transform_intervals, inverse_transform_truth
from lstm_cli.errors import LstmError
from lstm_cli.evaluation.quantiles.interval_scores import interval_scores
from lstm_cli.evaluation.quantiles.learned import LearnedQuantiles
from lstm_cli.evaluation.scoring import IntervalTally, metric_scale
from lstm_cli.plots.style import BASELINE, FORECAST, INK, TRUTH, use_temporary_cache
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate.score_model import scoring_subject

PROBABILITIES = tuple(round(0.05 * index, 2) for index in range(1, 20))
LEARNED, SYMMETRIC = "learned", "symmetric"
COLORS = {LEARNED: FORECAST, SYMMETRIC: BASELINE}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Scores of the quantiles of a run, for each kind of quantiles that it has."""

    name: str
    windows: int
    shares: dict[str, np.ndarray]  # [19] share of the test values below each quantile of PROBABILITIES
    scores: dict[str, dict]  # of `interval_scores`


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory with a model")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="file for the reliability diagram")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    options = parser.parse_args(words)
    notebook = Notebook(options.record)
    measured = table(notebook, options.runs, options.threads)
    if options.picture is not None and measured:
        options.picture.write_bytes(diagram(measured))
    return 1 if notebook.failed else 0


def table(notebook: Notebook, runs: list[Path], threads: int | None) -> list[Measured]:
    """Print a row for each run and the geometric mean of the ratios, and return what was measured.

    Args:
        notebook: printer of the rows.
        runs: run directories.
        threads: CPU threads; None: all cores.
    """
    notebook.head(
        "run", "test windows", "coverage 80, symmetric", "learned", "coverage 95, symmetric", "learned",
        "WIS, symmetric", "learned", "ratio",
    )  # fmt: skip
    measured, ratios = [], []
    for path in runs:
        with notebook.attempt(path.name):
            try:
                found = measure(path, threads)
            except LstmError as error:
                raise ValueError(str(error)) from error
            row, ratio = cells(found)
            notebook.row(*row)
            notebook.keep(
                data=found.name,
                scores=found.scores,
                shares={kind: shares.tolist() for kind, shares in found.shares.items()},
            )
            measured.append(found)
            ratios += [] if ratio is None else [ratio]
    if ratios:
        notebook.row("**geometric mean**", *[None] * 7, geometric_mean(ratios))
    return measured


def cells(found: Measured) -> tuple[list[object], float | None]:
    """Return the cells of a row, and the WIS of the learned quantiles over that of the symmetric ones."""
    kinds = (SYMMETRIC, LEARNED)
    row: list[object] = [found.name, found.windows]
    for level in ("80", "95"):
        row += [found.scores[kind]["coverage"][level] if kind in found.scores else None for kind in kinds]
    wis = [found.scores[kind]["wis_scaled"] if kind in found.scores else None for kind in kinds]
    ratio = wis[1] / wis[0] if wis[0] and wis[1] is not None else None
    return [*row, *wis, ratio], ratio


def measure(path: Path, threads: int | None) -> Measured:
    """Return the scores of a run on all its test windows.

    Raises:
        LstmError: the run has no model, or no test windows.
        ValueError: the model has no intervals.
    """
    with open_run(path) as run:
        subject = scoring_subject(run, EvaluateConfig(threads=threads))
    if subject.intervals is None:
        raise ValueError("the model has no intervals")
    kinds = {SYMMETRIC: subject.intervals}
    if isinstance(subject.intervals, LearnedQuantiles):
        kinds = {SYMMETRIC: subject.intervals.intervals, LEARNED: subject.intervals}
    bounds, dataset = subject.model.bounds, subject.dataset
    possible = {LEARNED: bounds, SYMMETRIC: replace(bounds, counts=None)}
    tallies = {kind: IntervalTally(dataset, model, possible[kind]) for kind, model in kinds.items()}
    below = {kind: np.zeros(len(PROBABILITIES)) for kind in kinds}
    known = 0
    for batch in subject.windows.batches(subject.windows.batch_size):
        forecast = subject.model_only(batch)["model"]
        known += int(batch.observed.sum())
        for kind, model in kinds.items():
            tallies[kind].add(batch, forecast)
            scaled = model.quantiles(PROBABILITIES, forecast, batch)
            below[kind] += count_below(dataset, possible[kind], scaled, batch)
    deviation = metric_scale(dataset).deviation
    return Measured(
        name=path.name,
        windows=len(subject.windows),
        shares={kind: counts / known for kind, counts in below.items()},
        scores={
            kind: interval_scores(tally.sums, deviation)
            for kind, tally in tallies.items()
            if tally.sums is not None
        },
    )


def count_below(dataset: Dataset, bounds: Bounds, quantiles_scaled: np.ndarray, batch: Batch) -> np.ndarray:
    """Return the number of measured values [Q] below each quantile.

    A value that equals k quantiles, such as a count of 0, counts as 1 / (k + 1) below the first of them, 2 / (k + 1)
    below the next, and so on. This is the probability integral transform of Czado, Gneiting and Held 2009,
    "Predictive model assessment for count data". So a certain 0 that comes true is on the diagonal.

    Args:
        dataset: data of the run.
        bounds: bounds of the forecast.
        quantiles_scaled: [Q, N, H, C], ascending.
        batch: windows.
    """
    quantiles = inverse_transform_intervals(dataset, quantiles_scaled, batch.series, bounds)
    truth = inverse_transform_truth(dataset, batch.target, batch.series, bounds)
    first = (quantiles < truth).sum(axis=0)  # quantiles below the value
    equal = (quantiles == truth).sum(axis=0)
    places = np.arange(1, len(quantiles) + 1)[:, None, None, None]
    part = np.clip((places - first) / (equal + 1), 0, 1)
    return np.asarray((part * batch.observed).sum(axis=(1, 2, 3)))


def diagram(measured: list[Measured]) -> bytes:
    """Return a PNG with a panel for each run."""
    use_temporary_cache()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.8 * len(measured), 3.5), dpi=100, layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(measured), squeeze=False, sharey=True)[0]
    for axis, found in zip(axes, measured, strict=True):
        axis.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle="--", label="ideal")
        for kind, style in ((SYMMETRIC, {"linewidth": 1.0}), (LEARNED, {"linewidth": 1.8, "marker": "o"})):
            if kind in found.shares:
                axis.plot(
                    PROBABILITIES, found.shares[kind], color=COLORS[kind], markersize=3.5, label=kind, **style
                )
        axis.set_title(found.name, fontsize=11, color=TRUTH)
        axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="probability of the quantile")
        axis.set_xticks(np.linspace(0, 1, 6))
        axis.set_yticks(np.linspace(0, 1, 6))
        axis.grid(color=INK, alpha=0.2, linewidth=0.6)
        axis.tick_params(colors=TRUTH, labelsize=9)
    axes[0].set_ylabel("share of the test values")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=10)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
