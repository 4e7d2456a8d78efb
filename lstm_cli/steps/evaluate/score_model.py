"""Scoring of a model of the run over the windows of a split."""

from collections.abc import Mapping
from dataclasses import dataclass

from lstm_cli.config import EvaluateConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.errors import DataError, UsageError
from lstm_cli.evaluation import metrics, scoring, uncertainty
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.origin_errors import OriginErrors
from lstm_cli.evaluation.quantiles.baseline_quantiles import fit_baseline_quantiles
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles, QuantileModel
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
from lstm_cli.steps.shared.memory_estimate import ALL_WINDOWS, require_scoring


@dataclass(frozen=True, kw_only=True)
class ScoringSubject:
    """Model to score, with its data and windows."""

    model: TrainedModel
    precision: str  # of the scored graph
    split: str  # `val` or `test`
    unseen: bool  # True: the model before the refit, which did not see the validation rows
    dataset: Dataset  # scaled as the model expects
    linear: LinearEnsemble
    unseen_linear: LinearEnsemble  # the one that was fitted on the training rows only
    intervals: CalibratedQuantiles | None
    season: int | None  # of the seasonal naive baseline
    windows: Windows
    model_only: scoring.Forecaster  # the model and its parts
    forecaster: scoring.Forecaster  # the model, its parts and the baselines


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Errors of a model over its windows."""

    subject: ScoringSubject
    sums: Mapping[str, metrics.ErrorSums]
    errors: uncertainty.WindowErrors
    by_origin: OriginErrors
    tallies: Mapping[str, scoring.IntervalTally]  # of the forecasts with quantiles: `model`, baselines


def scoring_subject(run: Run, config: EvaluateConfig) -> ScoringSubject:
    """Load the model, the data and the windows that the settings select.

    Raises DataError if the split has no windows, and UsageError if a quantized model saw the validation rows in the
    refit. Raises MissingArtifact or StaleArtifact if the run has no model of the precision.
    """
    from lstm_cli.inference.session import open_session

    model = load_model(run)
    require_scoring(run, model, windows=ALL_WINDOWS, doing="scoring")
    unseen = model.refitted and config.split == "val"
    graph, precision = load_graph(run, "fp32" if unseen and config.precision == "auto" else config.precision)
    if unseen:
        if precision != "fp32":
            raise UsageError(
                f"the {precision} model is made from the refitted model, which saw the validation rows",
                hint="leave out --precision to score the model before the refit, or use --split test",
            )
        graph = load_validated(run)
    dataset = rescale_to_model(load_dataset(run), model)
    linear = load_linear(run, validated=unseen)
    season = baseline_season(dataset)
    windows = scoring.scoring_windows(dataset, config.split, model.lookback, linear, season)
    if not len(windows):
        hint = "use --split val" if config.split == "test" else "use --split test"
        raise DataError(
            f"{run.path} has no windows in the {config.split} split to score", hint=hint, rule="D621"
        )
    session = open_session(graph, threads=config.threads)
    intervals = load_intervals(run)
    model_only = scoring.model_forecaster(session, model.lookback, parts=model.parts)
    return ScoringSubject(
        model=model,
        precision=precision,
        split=config.split,
        unseen=unseen,
        dataset=dataset,
        linear=linear,
        unseen_linear=linear if unseen else load_linear(run, validated=True),
        intervals=intervals and intervals.for_series(dataset.series.names),
        season=season,
        windows=windows,
        model_only=model_only,
        forecaster=scoring.combine_forecasters(
            model_only, scoring.baseline_forecaster(dataset, linear, season)
        ),
    )


def score_subject(subject: ScoringSubject, listen: Listener) -> Scored:
    """Score the model and the baselines over all windows."""
    dataset, bounds, windows = subject.dataset, subject.model.bounds, subject.windows
    scale = scoring.metric_scale(dataset)
    errors = uncertainty.WindowErrors(windows, scale)
    by_origin = OriginErrors(windows, scale, baseline="naive" if subject.season is None else "seasonal_naive")
    models: dict[str, QuantileModel] = dict(
        fit_baseline_quantiles(dataset, subject.split, subject.unseen_linear, subject.season)
    )
    if subject.intervals is not None:
        models["model"] = subject.intervals
    tallies = {name: scoring.IntervalTally(dataset, model, bounds) for name, model in models.items()}
    sums = scoring.score(
        windows,
        subject.forecaster,
        bounds,
        on_forecast=scoring.tally_forecasts(tallies),
        on_errors=scoring.each_of(errors, by_origin),
        progress=lambda done: listen(
            Progressed(stage="scoring", done=done, total=len(windows), unit="windows")
        ),
    )
    return Scored(subject=subject, sums=sums, errors=errors, by_origin=by_origin, tallies=tallies)
