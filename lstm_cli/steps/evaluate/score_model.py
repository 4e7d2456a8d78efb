"""What `evaluate` scores, a model of the run over the windows of a split, and how it is scored."""

from collections.abc import Mapping
from dataclasses import dataclass

from lstm_cli.config import EvaluateConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.errors import DataError, UsageError
from lstm_cli.evaluation import metrics, scoring, uncertainty
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.intervals import Intervals
from lstm_cli.events import Listener, Progressed
from lstm_cli.inference.trained_model import (
    TrainedModel,
    load_graph,
    load_intervals,
    load_linear,
    load_model,
    load_validated,
    rescale_to_model,
)
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.rundir import Run
from lstm_cli.steps.shared.memory_estimate import MANY, require_scoring


@dataclass(frozen=True, kw_only=True)
class ScoringSubject:
    """A model and the windows that it is scored on."""

    model: TrainedModel
    precision: str  # of the graph that is scored
    unseen: bool  # it is the model from before the refit, which has not seen the validation rows
    dataset: Dataset  # in the model's scaling
    linear: LinearEnsemble
    intervals: Intervals | None
    season: int | None  # of the seasonal naive baseline
    windows: Windows
    alone: scoring.Forecaster  # of the model and its parts
    forecaster: scoring.Forecaster  # of the baselines too


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A subject and its errors."""

    subject: ScoringSubject
    sums: Mapping[str, metrics.ErrorSums]
    errors: uncertainty.WindowErrors
    tally: scoring.IntervalTally | None  # None without intervals


def scoring_subject(run: Run, config: EvaluateConfig) -> ScoringSubject:
    """Load what the settings say is scored.

    Raises DataError for a split without windows, UsageError for validation rows that a smaller model knows from the
    refit, MissingArtifact or StaleArtifact for a precision that the run does not have.
    """
    from lstm_cli.inference.session import open_session

    model = load_model(run)
    require_scoring(run, model, windows=MANY, doing="scoring")
    unseen = model.refitted and config.split == "val"
    graph, precision = load_graph(run, "fp32" if unseen and config.precision == "auto" else config.precision)
    if unseen:
        if precision != "fp32":
            raise UsageError(
                f"the {precision} model is made from the refitted one, which knows the validation rows",
                hint="leave out --precision: then the model from before the refit is scored; or --split test",
            )
        graph = load_validated(run)
    dataset = rescale_to_model(load_dataset(run), model)
    linear = load_linear(run, validated=unseen)
    season = baseline_season(dataset)
    windows = scoring.scoring_windows(dataset, config.split, model.lookback, linear, season)
    if not len(windows):
        hint = "use --split val" if config.split == "test" else "use --split test"
        raise DataError(f"{run.path} has no {config.split} rows to score", hint=hint, rule="D621")
    session = open_session(graph, threads=config.threads)
    alone = scoring.model_forecaster(session, model.lookback, parts=model.parts)
    return ScoringSubject(
        model=model,
        precision=precision,
        unseen=unseen,
        dataset=dataset,
        linear=linear,
        intervals=load_intervals(run),
        season=season,
        windows=windows,
        alone=alone,
        forecaster=scoring.combine_forecasters(alone, scoring.baseline_forecaster(dataset, linear, season)),
    )


def score_subject(subject: ScoringSubject, listen: Listener) -> Scored:
    """Score every window of a subject beside the baselines."""
    bounds, fitted, windows = subject.model.bounds, subject.intervals, subject.windows
    errors = uncertainty.WindowErrors(windows, scoring.metric_scale(subject.dataset))
    tally = (
        None if fitted is None else scoring.IntervalTally(subject.dataset, fitted, bounds, forecaster="model")
    )
    sums = scoring.score(
        windows,
        subject.forecaster,
        bounds,
        on_forecast=tally or scoring.ignore_forecasts,
        on_errors=errors,
        progress=lambda done: listen(
            Progressed(stage="scoring", done=done, total=len(windows), unit="windows")
        ),
    )
    return Scored(subject=subject, sums=sums, errors=errors, tally=tally)
