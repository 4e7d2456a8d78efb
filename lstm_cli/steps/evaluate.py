"""`evaluate`: every window of a split, scored beside the simple forecasts."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lstm_cli import coverage, gates, metrics, scoring, uncertainty
from lstm_cli.baseline_season import baseline_season
from lstm_cli.config import EvaluateConfig
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.stored import load_dataset
from lstm_cli.errors import DataError, GateFailed, UsageError
from lstm_cli.events import Listener, Progressed, Warned
from lstm_cli.linear.forecast import Linear
from lstm_cli.metrics import Scores
from lstm_cli.rundir import Run, stands, writing
from lstm_cli.shipped import (
    Model,
    as_trained,
    load_graph,
    load_intervals,
    load_linear,
    load_model,
    load_validated,
    serves_quantized,
)
from lstm_cli.steps.before import JUDGED, told_again
from lstm_cli.steps.doubting import coverage_warnings, networks_add_nothing
from lstm_cli.steps.needs import MANY, require_scoring
from lstm_cli.steps.ranking import beside_simple, worst
from lstm_cli.steps.reporting import plain
from lstm_cli.steps.score_files import PICTURE, write_scores

PART = "part."  # before the name of a part
WORST = 10  # series in the list of those that do worst


@dataclass(frozen=True, kw_only=True)
class EvaluateReport:
    """Scores of the model and of the simple forecasts over the same windows."""

    run: str
    model: str
    precision: str
    split: str
    windows: int
    metrics: Scores
    parts: dict[str, Scores]  # of the combination: linear, anchored, free, simple; empty where there are none
    baselines: dict[str, Scores]  # naive, seasonal_naive (absent without a season), linear
    baseline_season: int | None  # of seasonal_naive, steps: the best one before the test rows
    mase_season: int | None  # of the MASE scale, steps: the shortest one, 1 without a season
    comparison: dict[str, Any] | None  # baseline of lowest error, difference, interval; None: too few windows
    comparisons: dict[str, Any] | None  # difference and interval for each baseline, lowest error first
    per_step: list[Scores]
    per_target: dict[str, Scores]
    per_series: dict[str, Scores]
    worst: list[dict[str, Any]]  # of several series those that do worst beside a simple forecast, worst first
    # folds: cut, windows, metrics, baselines and, if trained, seasons, lookback, defaults; spread; reused; precision
    backtest: dict[str, Any] | None
    gates: list[dict[str, Any]]
    picture: str
    coverage: dict[str, float | None]  # percent of measured cells within the 80 % and the 95 % interval
    width: dict[str, float | None]  # of the intervals, the mean, in the file's units
    width_scaled: dict[str, float | None]  # of the training rows' deviation
    wql: float | None  # weighted quantile loss; None, the three above empty, for a model without intervals
    mase_left_out: int  # series whose training rows give MASE no scale
    warnings: tuple[str, ...]
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self, absent=("backtest", "up_to_date"))


def evaluate(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
) -> EvaluateReport:
    """Scores the run's model; writes tables and a picture.

    Where the run has the scores of this very model and settings, they are left alone and the conditions held against
    them anew. force: score anyhow.
    Raises GateFailed, with the report as its `report`, after all was written; StaleArtifact for a model made
    from other data; DataError for a split without windows; UsageError for validation rows that a smaller model
    knows from the refit.
    """
    from lstm_cli.runtime.session import open_session

    conditions = [gates.parse_gate(text) for text in config.fail_if]
    with writing(run, step="evaluate", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        writer.run.require_fresh("model")
        if not force and stands(writer.run, "evaluate", config=asdict(config), ignoring=JUDGED):
            before = told_again(EvaluateReport, writer.run, "evaluate", listen)
            return _judged(replace(before, gates=_checked(before, conditions)))
        model = load_model(writer.run)
        require_scoring(writer.run, model, windows=MANY, doing="scoring")
        unseen = model.refitted and config.split == "val"  # rows that the shipped model was fitted on
        follows = config.precision == "auto" and not unseen  # the scores are those of what predict runs
        graph, precision = load_graph(
            writer.run, "fp32" if unseen and config.precision == "auto" else config.precision
        )
        if unseen:
            if precision != "fp32":
                raise UsageError(
                    f"the {precision} model is made from the refitted one, which knows the validation rows",
                    hint="leave out --precision: then the model from before the refit is scored; or --split test",
                )
            graph = load_validated(writer.run)
        dataset = as_trained(load_dataset(writer.run), model)
        linear = load_linear(writer.run, validated=unseen)
        fitted = load_intervals(writer.run)
        season = baseline_season(dataset)
        windows = scoring.scored_windows(dataset, config.split, model.lookback, linear, season)
        if not len(windows):
            hint = "use --split val" if config.split == "test" else "use --split test"
            raise DataError(f"{run} has no {config.split} rows to score", hint=hint)
        session = open_session(graph, threads=config.threads)
        alone = scoring.model_forecaster(session, model.lookback, parts=model.parts)
        forecaster = scoring.together(alone, scoring.simple_forecaster(dataset, linear, season))
        errors = uncertainty.WindowErrors(windows, scoring.scale_of(dataset))
        tally = None if fitted is None else scoring.IntervalTally(dataset, fitted, model.bounds, of="model")
        sums = scoring.score(
            windows,
            forecaster,
            model.bounds,
            watch=tally or scoring.unwatched,
            each=errors,
            progress=lambda done: listen(
                Progressed(stage="scoring", done=done, total=len(windows), unit="windows")
            ),
        )
        beside = beside_simple(dataset, sums)
        found = None if tally is None else tally.sums
        compared = errors.comparisons()
        report = _report(
            run, config, precision, model.name, dataset, len(windows), sums, found, beside, compared
        )
        warnings = [*report.warnings, *_other_precision(writer.run, config, precision, unseen=unseen)]
        if tally is not None and fitted is not None:
            warnings += coverage_warnings(config.split, windows, tally, fitted)
        report = replace(
            report,
            baseline_season=season,
            gates=_checked(report, conditions),
            warnings=tuple(warnings),
        )
        folder = writer.new("scores")
        if config.backtest:
            found_in_folds, told = _backtest(
                writer.run, config, dataset, model, alone, linear, listen, should_stop
            )
            found_in_folds |= {"precision": precision if config.reuse else "fp32"}
            report = replace(report, backtest=found_in_folds, warnings=(*report.warnings, *told))
        report = replace(report, picture=str(folder.folder / PICTURE))
        write_scores(
            *(folder, report.to_json(), dataset, windows, forecaster, model.bounds, beside, fitted),
            season=season,
        )
        reads: dict[str, str | None] = {name: writer.run.artifact(name).digest for name in ("data", "model")}
        if precision != "fp32":
            reads["quantized"] = writer.run.artifact("quantized").digest
        elif follows:
            reads["quantized"] = None  # one that is made later puts these scores out of date
        writer.commit(config=asdict(config), reads=reads, report=report.to_json())
    for text in report.warnings:
        listen(Warned(text=text))
    return _judged(report)


def _other_precision(run: Run, config: EvaluateConfig, precision: str, *, unseen: bool) -> list[str]:
    """Return a warning for each part of the report that scores fp32 where `predict` runs the quantised model."""
    found = []
    if unseen and serves_quantized(run):
        found.append(
            "scored is the fp32 model from before the refit: the quantised model that predict runs was fitted on the "
            "validation rows (--split test scores it)"
        )
    if config.backtest and not config.reuse and precision != "fp32":
        found.append(
            f"the backtest trains fp32 models, the other scores are those of the {precision} model (--reuse scores it "
            "at the cut-offs too)"
        )
    return found


def _checked(report: EvaluateReport, conditions: list[gates.Gate]) -> list[dict[str, Any]]:
    """The conditions of `--fail-if`, held against the report's figures."""
    own = report.metrics | {"wql": report.wql}
    return [gates.check_gate(gate, own, report.baselines, report.coverage) for gate in conditions]


def _judged(report: EvaluateReport) -> EvaluateReport:
    """The report, if no condition came true. Raises GateFailed, with the report as its `report`."""
    failed = [gate for gate in report.gates if gate["failed"]]
    if failed:
        reasons = "; ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in failed)
        kept = Path(report.picture).parent
        error = GateFailed(f"not good enough: {reasons}", hint=f"the scores are kept in {kept}")
        error.report = report  # type: ignore[attr-defined]
        raise error
    return report


def _report(
    run: Path,
    config: EvaluateConfig,
    precision: str,
    model: str,
    dataset: Dataset,
    windows: int,
    sums: Mapping[str, metrics.Errors],
    found: coverage.Held | None,
    beside: Mapping[str, dict[str, Any]],
    compared: dict[str, Any],
) -> EvaluateReport:
    scale = scoring.scale_of(dataset)
    scores = {name: metrics.overall(found, scale) for name, found in sums.items()}
    own = scores.pop("model")
    parts = {name.removeprefix(PART): scores.pop(name) for name in list(scores) if name.startswith(PART)}
    warnings = []
    if networks_add_nothing(scores | {"model": own}, compared, parts):
        warnings.append(
            f"the networks add nothing on the {config.split} rows: the linear forecast is as good"
        )
    ahead = metrics.per_step(sums["model"], scale)
    held: dict[str, Any] = {"coverage": {}, "width": {}, "width_scaled": {}, "wql": None}
    if found is not None:
        held = coverage.interval_scores(found, scale.deviation)
        steps = coverage.scores_per_step(found, scale.deviation)
        ahead = [row | beside for row, beside in zip(ahead, steps, strict=True)]
    each = dict(zip(dataset.series.names, metrics.per_series(sums["model"], scale), strict=True))
    return EvaluateReport(
        run=str(run),
        model=model,
        precision=precision,
        split=config.split,
        windows=windows,
        metrics=own,
        parts=parts,
        baselines=scores,
        baseline_season=None,
        mase_season=dataset.schema.season,
        comparison=uncertainty.best_compared(compared),
        comparisons=compared,
        per_step=[{"step": number, **row} for number, row in enumerate(ahead, start=1)],
        per_target=dict(zip(dataset.schema.targets, metrics.per_target(sums["model"], scale), strict=True)),
        per_series=each,
        worst=worst(each, beside, WORST) if len(each) > 1 else [],
        backtest=None,
        gates=[],
        picture="",
        **held,
        mase_left_out=metrics.without_scale(sums["model"], scale),
        warnings=tuple(warnings),
    )


def _backtest(
    run: Run,
    config: EvaluateConfig,
    dataset: Dataset,
    model: Model,
    forecaster: scoring.Forecaster,
    linear: Linear,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The folds and their spread, trained as the run's model was, or that model itself; and warnings."""
    from lstm_cli.steps.backtesting import backtest, recipe_of, reused, spread, warnings_of

    assert config.backtest is not None
    if config.reuse:
        folds = reused(dataset, forecaster, linear, model.bounds, model.lookback, folds=config.backtest)
    else:
        from lstm_cli.training.device import usable_cores

        folds = backtest(
            load_dataset(run),
            recipe_of(run),
            folds=config.backtest,
            jobs=config.jobs,
            threads=config.threads or usable_cores(),
            listen=listen,
            should_stop=should_stop,
        )
    found = {"folds": folds, "spread": spread(folds), "reused": config.reuse}
    return found, warnings_of(folds, wanted=config.backtest)
