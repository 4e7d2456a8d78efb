"""Plans for `--dry-run`: what each verb would read and write, and how long it takes. A plan changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    RefreshConfig,
    ReportConfig,
    ScoreConfig,
    ServeConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.config.classify import ClassifyPrepareConfig, join_settings
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks, TrainOfTasks
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.data.reading.dialect.prose import is_prose
from lstm_cli.data.reading.source import STDIN, expand_paths, is_pipe, open_source
from lstm_cli.inference.trained_model import load_model, require_precision
from lstm_cli.rundir import (
    CHECKPOINT,
    LEDGER,
    LOGS,
    MANIFEST,
    Checkpoint,
    Run,
    check_output,
    files_to_verify,
    is_up_to_date,
    open_run,
    open_version,
    refuse_foreign,
    require_fresh,
    serves_quantized,
    would_read,
    would_write,
)
from lstm_cli.steps.evaluate.score_files import COPIED
from lstm_cli.steps.shared.array_sizes import sample_bytes
from lstm_cli.steps.shared.cached_report import IGNORED_SETTINGS
from lstm_cli.steps.shared.memory_estimate import (
    ALL_WINDOWS,
    MemoryNeed,
    prepare_need,
    scoring_need,
    train_need,
)
from lstm_cli.steps.shared.plot_output import plot_files
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.steps.shared.sequences.memory import (
    sequence_prepare_need,
    sequence_scoring_need,
    sequence_train_need,
)
from lstm_cli.steps.train.find_lr import PICTURE
from lstm_cli.system_memory import available_memory
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE
from lstm_cli.tasks.settle import (
    is_inferred,
    require_own_options,
    require_same_task,
    require_verb,
    require_verb_for_files,
    settle_task,
    stored_task,
    task_of,
)

STDOUT = "standard output"


@dataclass(frozen=True, kw_only=True)
class DryRunPlan:
    """Plan of one step."""

    run: str | None
    step: str
    up_to_date: bool  # if True, only the outputs of `evaluate -o` and `--forecasts` would be written
    reads: tuple[dict[str, Any], ...]  # path and size in bytes (None: unknown) of each file or folder
    writes: tuple[str, ...]
    seconds: float | None  # duration of the last time on this run; None: it never ran
    memory: dict[str, int | None] | None  # need and have, in bytes; None: not estimated

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def plan_check(
    source: Sequence[str], config: PrepareConfig, plot: str | None, *, columns: PrepareOfTasks | None = None
) -> DryRunPlan:
    """Return the plan of `check`.

    Args:
        source: paths, patterns, or `-` for standard input.
        config: settings of `prepare`, which `check` shares.
        plot: path of the plot; None for no plot.
        columns: task, and columns of labelled sequences; None: a forecast.

    Raises:
        DataError: a data file cannot be read.
        UsageError, OutputError: an option belongs to another task, or the plot cannot be written there.
    """
    columns, paths = columns or PrepareOfTasks(), expand_paths(source)
    task = settle_task(config, columns, paths, partial(is_prose, encoding=config.encoding))
    require_verb_for_files(task, "check", paths, inferred=is_inferred(task, columns))
    require_own_options(task, "prepare", config, columns)
    plots = plot_files(plot, sources=paths)
    need = PREPARE_NEEDS[task.name](paths, config, columns)
    return _plan(None, "check", None, _sizes(paths), plots, need=need)


def plan_prepare(
    source: Sequence[str],
    run: Path,
    config: PrepareConfig,
    *,
    force: bool,
    columns: PrepareOfTasks | None = None,
) -> DryRunPlan:
    """Return the plan of `prepare`.

    Args:
        source: paths, patterns, or `-` for standard input.
        run: run directory, which need not exist.
        config: settings of `prepare`.
        force: run even if nothing changed.
        columns: task, and settings that only some tasks have; None: their defaults.

    Raises:
        DataError: a data file cannot be read.
        ForeignFolder: the folder is not a run directory.
    """
    from lstm_cli.steps.prepare.report import data_is_up_to_date
    from lstm_cli.steps.prepare.work import WORK

    folder_kind = refuse_foreign(run)
    columns, paths = columns or PrepareOfTasks(), expand_paths(source)
    task = settle_task(config, columns, paths, partial(is_prose, encoding=config.encoding))
    require_own_options(task, "prepare", config, columns)
    reads = _sizes(paths)
    need = PREPARE_NEEDS[task.name](paths, config, columns)
    if folder_kind != "run":
        return _plan(run, "prepare", None, reads, would_write(run, "prepare"), need=need)
    with open_run(run) as opened:
        require_same_task(opened, task, run)
        settings = WORK[task.name].settle(config, columns)
        up_to_date = not force and data_is_up_to_date(opened, paths, settings)
        return _plan(
            run, "prepare", opened, reads, would_write(run, "prepare"), up_to_date=up_to_date, need=need
        )


def plan_train(
    run: Path,
    config: TrainConfig,
    *,
    force: bool,
    fresh: bool = False,
    start: Path | None = None,
    network: TrainOfTasks | None = None,
    sources: Mapping[str, str] | None = None,
) -> DryRunPlan:
    """Return the plan of `train`.

    Args:
        run: run directory.
        config: settings of `train`.
        force: train even if nothing changed.
        fresh: ignore the checkpoint.
        start: run whose model is the start of the training.
        network: settings that only some tasks have; None: their defaults.
        sources: source of each setting that does not have its default.

    Raises:
        MissingArtifact: the run has no data, or the start has no model.
        UsageError: an option or a model belongs to another task.
        ArtifactError: the checkpoint belongs to a training with other settings.
    """
    from lstm_cli.steps.train import model_is_up_to_date, opened_start, require_own_model
    from lstm_cli.steps.train.checkpointing import checkpoint_status, different_settings_error
    from lstm_cli.steps.train.work import WORK

    with ExitStack() as stack:
        opened = stack.enter_context(open_run(run))
        task, network = task_of(opened), network or TrainOfTasks()
        require_own_options(task, "train", config, network)
        given, config = config, WORK[task.name].settle(config, network, start)
        require_own_model(task, given, config, sources)
        warm = stack.enter_context(opened_start(start, opened, config))
        reads = would_read(opened, "data")
        if warm is not None:
            reads += would_read(warm.source, "model")
        up_to_date = not force and model_is_up_to_date(opened, config, warm)
        checkpoint = checkpoint_status(opened, config, warm) if up_to_date or not fresh else None
        if checkpoint is not None and checkpoint.fits:
            up_to_date = False
            if not fresh:
                reads.append(_sized(run / CHECKPOINT))
        if checkpoint is not None and checkpoint.changed_settings and not up_to_date:
            raise different_settings_error(Checkpoint(run), checkpoint.changed_settings)
        need = TRAIN_NEEDS[task.name](opened, config)
        return _plan(run, "train", opened, reads, would_write(run, "train"), up_to_date=up_to_date, need=need)


def plan_find_lr(run: Path, output: str | None) -> DryRunPlan:
    """Return the plan of `train --find-lr`, whose plot goes to `output`.

    Raises:
        MissingArtifact: the run has no data.
        UsageError, OutputError: the task has no range test, or the plot cannot be written there.
    """
    if output is not None:
        check_output(output, run=run)
    with open_run(run) as opened:
        require_verb(opened, "train --find-lr")
        reads = would_read(opened, "data")
    return _plan(run, "train --find-lr", None, reads, [output or str(run / LOGS / PICTURE)])


def plan_tune(
    run: Path,
    config: TuneConfig,
    fixed: TrainConfig,
    *,
    force: bool,
    network: TrainOfTasks | None = None,
) -> DryRunPlan:
    """Return the plan of `tune`.

    Args:
        run: run directory.
        config: settings of `tune`.
        fixed: settings that all trials share.
        force: ignore finished trials.
        network: settings of a classifier of sequences that all trials share; None: their defaults.

    Raises:
        MissingArtifact: the run has no data.
        UsageError: the search space names an unknown setting.
    """
    from lstm_cli.steps.tune import search_is_up_to_date, search_of
    from lstm_cli.steps.tune.record import reusable_trials

    search = search_of(run, config, fixed, network)
    with open_run(run) as opened:
        reads = would_read(opened, "data")
        trials, _ = reusable_trials(opened, search, force=force)
        up_to_date = len(trials) == search.max_trials and search_is_up_to_date(opened, search, trials)
        writes = [*would_write(run, "tune"), *would_write(run, "train")]
        need = TRAIN_NEEDS[search.task](opened, search.fixed)
        return _plan(run, "tune", opened, reads, writes, up_to_date=up_to_date, need=need)


def plan_evaluate(run: Path, config: EvaluateConfig, *, force: bool) -> DryRunPlan:
    """Return the plan of `evaluate`.

    Args:
        run: run directory.
        config: settings of `evaluate`.
        force: score even if nothing changed.

    Raises:
        MissingArtifact, StaleArtifact: no model of the current data.
        UsageError, OutputError: the output folder or the table of forecasts cannot be written.
    """
    from lstm_cli.steps.evaluate.outputs import check_outputs

    with open_run(run) as opened:
        task = task_of(opened)
        copies = check_outputs(config, run, COPIES[task.name])
        require_fresh(opened, "model")
        require_own_options(task, "evaluate", config)
        names, need = SCORED[task.name](opened, config)
        reads = would_read(opened, *names)
        up_to_date = not force and is_up_to_date(
            opened, "evaluate", config=asdict(config), ignoring=IGNORED_SETTINGS
        )
        writes = would_write(run, "evaluate")
        return _plan(run, "evaluate", opened, reads, writes, up_to_date=up_to_date, need=need, always=copies)


def _scored_forecast(opened: Run, config: EvaluateConfig) -> tuple[tuple[str, ...], MemoryNeed | None]:
    """Return the artifacts that `evaluate` reads, and the memory that it needs."""
    model = load_model(opened)
    unseen = model.refitted and config.split == "val"
    precision = "fp32" if unseen and config.precision == "auto" else config.precision
    need = scoring_need(*load_outline(opened), model, windows=ALL_WINDOWS)
    return ("data", *_model_artifacts(opened, precision)), need


def _model_artifacts(opened: Run, precision: str) -> tuple[str, ...]:
    """Return the artifacts of a model of a precision."""
    quantized = precision in ("int8", "fp16") or (precision == "auto" and serves_quantized(opened))
    return ("model", "quantized") if quantized else ("model",)


# By task. The memory for text is not estimated.
PREPARE_NEEDS: Mapping[str, Callable[[Sequence[str], PrepareConfig, PrepareOfTasks], MemoryNeed | None]] = {
    FORECAST.name: lambda paths, config, columns: prepare_need(paths, config),
    CLASSIFY.name: lambda paths, config, columns: sequence_prepare_need(
        paths, join_settings(ClassifyPrepareConfig, config, columns)
    ),
    GENERATE.name: lambda paths, config, columns: None,
}
TRAIN_NEEDS: Mapping[str, Callable[[Run, TrainConfig], MemoryNeed | None]] = {
    FORECAST.name: lambda opened, config: train_need(*load_outline(opened), config),
    CLASSIFY.name: sequence_train_need,
    GENERATE.name: lambda opened, config: None,
}
REPORT_NEEDS: Mapping[str, Callable[[Run], MemoryNeed | None]] = {
    FORECAST.name: lambda opened: scoring_need(
        *load_outline(opened), load_model(opened), windows=ALL_WINDOWS
    ),
    CLASSIFY.name: sequence_scoring_need,
}
COPIES: Mapping[str, Sequence[str]] = {
    FORECAST.name: COPIED,
    CLASSIFY.name: ("scores.json", *CLASSIFY.files["scores"]),
    GENERATE.name: ("scores.json", *GENERATE.files["scores"]),
}
SCORED: Mapping[str, Callable[[Run, EvaluateConfig], tuple[tuple[str, ...], MemoryNeed | None]]] = {
    FORECAST.name: _scored_forecast,
    CLASSIFY.name: lambda opened, config: (
        ("data", *_model_artifacts(opened, config.precision)),
        sequence_scoring_need(opened),
    ),
    GENERATE.name: lambda opened, config: (("data", *_model_artifacts(opened, config.precision)), None),
}


def plan_quantize(run: Path, config: QuantizeConfig, *, force: bool) -> DryRunPlan:
    """Return the plan of `quantize`.

    Args:
        run: run directory.
        config: settings of `quantize`.
        force: quantize even if nothing changed.

    Raises:
        MissingArtifact, StaleArtifact: no model of the current data.
    """
    from lstm_cli.steps.quantize.work import WORK

    with open_run(run) as opened:
        require_verb(opened, "quantize")
        work = WORK[task_of(opened).name]
        work.require_current(opened)
        reads = would_read(opened, "data", "model")
        up_to_date = not force and is_up_to_date(opened, "quantize", config=asdict(config))
        need = work.need(opened)
        return _plan(
            run, "quantize", opened, reads, would_write(run, "quantize"), up_to_date=up_to_date, need=need
        )


def plan_predict(
    run: Path, new: str | None, config: PredictConfig, sampling: TextSampling | None = None
) -> DryRunPlan:
    """Return the plan of `predict`.

    Args:
        run: run directory.
        new: file with newer rows; None for the run's own data.
        config: settings of `predict`.
        sampling: settings of a run of text; None: their defaults.

    Raises:
        MissingArtifact: the run has no model, or nothing for the levels, quantiles or samples of config.
        DataError: the file `new` cannot be read, or a level or quantile of config is not supported.
        UsageError, OutputError: the output cannot be written, or the model cannot forecast as config asks.
    """
    from lstm_cli.steps.predict.beyond_horizon import require_possible
    from lstm_cli.steps.predict.origin import requested_origin
    from lstm_cli.steps.predict.requested_quantiles import load_quantiles
    from lstm_cli.steps.predict.sample_paths import load_samples
    from lstm_cli.steps.predict.shard import require_csv, slice_series

    sampling = sampling or TextSampling()
    other_task = PREDICT_PLANS.get(stored_task(run).name)
    if other_task is not None:
        return other_task(run, new, config, sampling)
    require_own_options(FORECAST, "predict", sampling)
    require_csv(config)
    if config.output != "-":
        check_output(config.output, run=run, sources=(new, config.future_data))
    plots = plot_files(config.plot, run=run, sources=(new, config.future_data), output=config.output)
    with open_run(run) as opened:
        names = ["model"]
        if opened.has("quantized") and config.precision in ("auto", "int8", "fp16"):
            names.append("quantized")
        if new is None:
            names.append("data")
        reads: list[tuple[str, int | None]] = [*would_read(opened, *names)]
        model = load_model(opened)
        require_possible(model, run, new, config)
        requested_origin(config, model)
        need = scoring_need(model.schema, model.series, model, windows=len(model.series.names))
        if config.samples is None:
            load_quantiles(opened, config, warn=lambda finding: None)
        else:
            load_samples(opened, config, warn=lambda finding: None)
            slices = slice_series(
                config.shard,
                modelled=len(config.only or model.series.names),
                short=0,
                schema=model.schema,
                model=model,
            )
            rows = slices.series * config.samples * (config.horizon or model.schema.horizon)
            need = replace(need, size=need.size + sample_bytes(rows, targets=len(model.schema.targets)))
    reads += _sizes([path for path in (new, config.future_data) if path is not None])
    output = STDOUT if config.output == "-" else config.output
    writes = [output, *plots, *([str(run / LEDGER)] if config.record else ())]
    return _plan(run, "predict", None, reads, writes, need=need)


def _plan_predict_sequences(
    run: Path, new: str | None, config: PredictConfig, sampling: TextSampling
) -> DryRunPlan:
    require_own_options(CLASSIFY, "predict", config, sampling)
    if config.output != "-":
        check_output(config.output, run=run, sources=(new,))
    with open_run(run) as opened:
        opened.require("model")
        reads: list[tuple[str, int | None]] = [
            *would_read(
                opened, *_model_artifacts(opened, config.precision), *(("data",) if new is None else ())
            )
        ]
        need = sequence_scoring_need(opened)
    reads += _sizes([path for path in (new,) if path is not None])
    output = STDOUT if config.output == "-" else config.output
    return _plan(run, "predict", None, reads, [output], need=need)


def _plan_predict_text(
    run: Path, new: str | None, config: PredictConfig, sampling: TextSampling
) -> DryRunPlan:
    from lstm_cli.steps.predict.text.output import check_text_output

    require_own_options(GENERATE, "predict", config, sampling)
    check_text_output(run, new, config, sampling)
    with open_run(run) as opened:
        opened.require("model")
        graphs = ["quantized"] if opened.has("quantized") and config.precision != "fp32" else []
        reads: list[tuple[str, int | None]] = [*would_read(opened, "model", *graphs)]
    reads += _sizes([path for path in (new,) if path is not None])
    return _plan(run, "predict", None, reads, [STDOUT if config.output == "-" else config.output])


PREDICT_PLANS = {CLASSIFY.name: _plan_predict_sequences, GENERATE.name: _plan_predict_text}


def plan_score(run: Path, source: str | None, config: ScoreConfig) -> DryRunPlan:
    """Return the plan of `score`.

    Args:
        run: run directory.
        source: file with measured values; None for the data of the run.
        config: settings of `score`.

    Raises:
        MissingArtifact: the run has no model, or there is no file and no data.
        DataError: the file cannot be read.
        UsageError: a condition is not valid.
    """
    from lstm_cli.steps.score import parse_conditions

    parse_conditions(config)
    with open_run(run) as opened:
        require_verb(opened, "score")
        names = [
            "model",
            *(("data",) if source is None else ()),
            *(("scores",) if opened.has("scores") else ()),
        ]
        reads: list[tuple[str, int | None]] = [*would_read(opened, *names)]
    ledger = run / LEDGER
    if ledger.is_dir():
        reads.append(_sized(ledger))
    reads += _sizes([] if source is None else [source])
    return _plan(run, "score", None, reads, [str(ledger)])


def plan_refresh(run: Path, source: str, config: RefreshConfig) -> DryRunPlan:
    """Return the plan of `refresh`. Whether it trains follows from the rows, which the plan does not read.

    Args:
        run: run directory.
        source: file of the new rows.
        config: settings of `refresh`.

    Raises:
        MissingArtifact: the run has no model or no data.
        DataError: the file cannot be read.
        UsageError, OutputError: a condition is not valid, or the forecast cannot be written.
    """
    from lstm_cli.steps.refresh import check_output_of
    from lstm_cli.steps.refresh.conditions import parse_conditions

    parse_conditions(config)
    check_output_of(config, run, source, has_stdout=True)
    with open_run(run) as opened:
        require_verb(opened, "refresh")
        scores = ("scores",) if opened.has("scores") else ()
        reads: list[tuple[str, int | None]] = [*would_read(opened, "data", "model", *scores)]
        made = [path for step in ("prepare", "train", "evaluate") for path in would_write(run, step)]
    reads += _sizes([source])
    output = STDOUT if config.output == "-" else config.output
    return _plan(run, "refresh", None, reads, [*made, str(run / LEDGER), *([output] if output else [])])


def plan_export(run: Path, config: ExportConfig) -> DryRunPlan:
    """Return the plan of `export`. Raises what `export` raises before its work."""
    from lstm_cli.steps.export import export_work, output_names

    with open_run(run) as opened:
        work = export_work(opened, config)
        if config.to != "npz" or opened.has("model"):
            require_fresh(opened, "model")
        sources = ["data", "model"]
        if config.precision != "fp32":
            require_precision(opened, config.precision)
            sources.append("quantized")
        names = [name for name in sources if opened.has(name)]
        outputs = output_names(run, config, work.formats[config.to])
        if config.output is not None:
            for path in outputs:
                check_output(path, run=run, exported=True)
        return _plan(run, "export", None, would_read(opened, *names), [str(path) for path in outputs])


def plan_report(run: Path, config: ReportConfig) -> DryRunPlan:
    """Return the plan of `report`. Raises what `report` raises before its work."""
    from lstm_cli.steps.report.work import WORK

    output = config.output_for(str(run))
    if output != "-":
        check_output(output, run=run)
    with open_run(run) as opened:
        require_verb(opened, "report")
        task = task_of(opened)
        names = WORK[task.name].reads(opened)
        need = REPORT_NEEDS[task.name](opened)
        outputs = [STDOUT if output == "-" else output]
        return _plan(run, "report", None, would_read(opened, *names), outputs, need=need)


def plan_runs(run: Path) -> DryRunPlan:
    """Return the plan of `runs`. Raises what `runs` raises before its work."""
    from lstm_cli.steps.runs.find_runs import Unreadable, find_runs, is_run

    found = [run] if is_run(run) else [path for path in find_runs(run) if not isinstance(path, Unreadable)]
    return _plan(
        run, "runs", None, [(str(path / MANIFEST), (path / MANIFEST).stat().st_size) for path in found], []
    )


def plan_serve(run: Path, config: ServeConfig) -> DryRunPlan:
    """Return the plan of `serve`.

    Args:
        run: run directory.
        config: settings of `serve`, with a token file that can be read.

    Raises:
        MissingArtifact: the run has no model.
        UsageError: the task of the run has no forecasts.
    """
    with open_run(run) as opened:
        require_verb(opened, "serve")
        opened.require("model")
        names = [name for name in ("model", "quantized", "data") if opened.has(name)]
        reads: list[tuple[str, int | None]] = [*would_read(opened, *names)]
        if config.token_file is not None:
            reads.append((config.token_file, Path(config.token_file).stat().st_size))
        return _plan(run, "serve", None, reads, [])


def plan_read_only(run: Path, step: str, *, all_files: bool) -> DryRunPlan:
    """Return the plan of a verb that only reads the run.

    Args:
        run: run directory.
        step: name of the verb.
        all_files: whether the verb reads every artifact, not `run.json` alone.
    """
    with open_run(run) as opened:
        reads = [(str(run / MANIFEST), (run / MANIFEST).stat().st_size)]
        if all_files:
            reads += files_to_verify(opened)
        return _plan(run, step, None, reads, [])


def plan_history(run: Path, *, rollback: int | None, drop: int | None) -> DryRunPlan:
    """Return the plan of `history`.

    Args:
        run: run directory.
        rollback: version that would serve.
        drop: version that would be removed.

    Raises:
        MissingArtifact: the run has no model.
        UsageError: the version is unknown or not kept.
    """
    from lstm_cli.steps.history import find_version

    with open_run(run) as opened:
        opened.require("model")
        manifest = run / "run.json"
        reads = [(str(manifest), manifest.stat().st_size)]
        writes = []
        if drop is not None:
            find_version(opened, drop, flag="--drop")
            writes = [str(manifest)]
        elif rollback is not None:
            record = find_version(opened, rollback, flag="--rollback")
            if "steps" in record:
                writes = [str(manifest)]
                with open_version(run, record) as version:
                    names = [name for name in ("model", "quantized") if version.has(name)]
                    reads += would_read(version, *names)
        return _plan(run, "history", None, reads, writes)


def _sized(folder: Path) -> tuple[str, int]:
    """Return a folder and the total size of its files in bytes."""
    return str(folder), sum(path.stat().st_size for path in folder.iterdir())


def _sizes(paths: Sequence[str]) -> list[tuple[str, int | None]]:
    """Return each data file and its size in bytes. Raises DataError if a file cannot be read."""
    sizes: list[tuple[str, int | None]] = []
    for path in paths:
        if is_pipe(path):
            sizes.append(("standard input" if path == STDIN else path, None))
            continue
        with open_source(path):
            sizes.append((path, Path(path).stat().st_size))
    return sizes


def _plan(
    run: Path | None,
    step: str,
    opened: Run | None,
    reads: Sequence[tuple[str, int | None]],
    writes: Sequence[str],
    *,
    up_to_date: bool = False,
    need: MemoryNeed | None = None,
    always: Sequence[str] = (),
) -> DryRunPlan:
    """Return the plan; `always` lists outputs that are written even if the step is up to date."""
    last_time = opened.steps.get(step) if opened is not None else None
    seconds = None if last_time is None else last_time["times"].get("seconds")
    return DryRunPlan(
        run=None if run is None else str(run),
        step=step,
        up_to_date=up_to_date,
        reads=tuple({"path": path, "size": size} for path, size in reads),
        writes=(*(() if up_to_date else writes), *always),
        seconds=seconds if isinstance(seconds, int | float) else None,
        memory=None if need is None else {"need": need.size, "have": available_memory()},
    )
