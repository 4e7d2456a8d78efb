"""`--dry-run` of every verb: what it would read, write and take. Nothing is locked, made or changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.data.reading.source import STDIN, expand_paths, is_pipe, open_source
from lstm_cli.inference.trained_model import load_model, serves_quantized
from lstm_cli.rundir import (
    ARTIFACTS,
    CHECKPOINT,
    LOGS,
    Checkpoint,
    Run,
    check_output,
    check_output_folder,
    is_up_to_date,
    open_run,
    refuse_foreign,
    require_fresh,
    would_read,
    would_write,
)
from lstm_cli.steps.shared.cached_report import JUDGED
from lstm_cli.steps.shared.memory_estimate import MANY, MemoryNeed, prepare_need, scoring_need, train_need
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.steps.train.find_lr import PICTURE
from lstm_cli.system_memory import available_memory

STDOUT = "standard output"


@dataclass(frozen=True, kw_only=True)
class DryRunPlan:
    """What a step would do."""

    run: str | None
    step: str
    up_to_date: bool  # nothing has changed: at most the output of `evaluate -o` would be written
    reads: tuple[dict[str, Any], ...]  # of each: path, and size in bytes where it is known
    writes: tuple[str, ...]
    seconds: float | None  # that it took the last time on this run; None: it has not run
    memory: dict[str, int | None] | None  # bytes: need and have; None: not estimated

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self)


def plan_check(source: Sequence[str], config: PrepareConfig, plot: str | None) -> DryRunPlan:
    """Raises DataError for a source that cannot be read, UsageError or OutputError for the picture's place."""
    from lstm_cli.steps.check import check_plot

    paths = expand_paths(source)
    if plot is not None:
        check_plot(plot, paths)
    need = prepare_need(paths, config)
    return _plan(None, "check", None, _sizes(paths), [plot] if plot is not None else [], need=need)


def plan_prepare(source: Sequence[str], run: Path, config: PrepareConfig, *, force: bool) -> DryRunPlan:
    """Raises DataError for a source that cannot be read, ForeignFolder for a run that is none of ours."""
    from lstm_cli.steps.prepare.report import data_is_up_to_date

    found = refuse_foreign(run)
    paths = expand_paths(source)
    reads = _sizes(paths)
    need = prepare_need(paths, config)
    if found != "run":
        return _plan(run, "prepare", None, reads, would_write(run, "prepare"), need=need)
    with open_run(run) as opened:
        same = not force and data_is_up_to_date(opened, paths, config)
        return _plan(run, "prepare", opened, reads, would_write(run, "prepare"), same=same, need=need)


def plan_train(run: Path, config: TrainConfig, *, force: bool, fresh: bool = False) -> DryRunPlan:
    """Raises MissingArtifact without data, ArtifactError for an unfinished training with other settings."""
    from lstm_cli.steps.train import model_is_up_to_date
    from lstm_cli.steps.train.checkpointing import checkpoint_status, different_settings_error

    with open_run(run) as opened:
        reads = would_read(opened, "data")
        same = not force and model_is_up_to_date(opened, config)
        before = checkpoint_status(opened, config) if same or not fresh else None
        if before is not None and before.fits:
            same = False
            if not fresh:
                reads.append(_sized(run / CHECKPOINT))
        if before is not None and before.others and not same:
            raise different_settings_error(Checkpoint(run), before.others)
        need = train_need(*load_outline(opened), config)
        return _plan(run, "train", opened, reads, would_write(run, "train"), same=same, need=need)


def plan_find_lr(run: Path, output: str | None) -> DryRunPlan:
    """Of `train --find-lr`. Raises MissingArtifact without data, UsageError or OutputError for its picture's place."""
    if output is not None:
        check_output(output, run=run)
    with open_run(run) as opened:
        reads = would_read(opened, "data")
    return _plan(run, "train --find-lr", None, reads, [output or str(run / LOGS / PICTURE)])


def plan_tune(run: Path, config: TuneConfig, fixed: TrainConfig, *, force: bool) -> DryRunPlan:
    """Raises MissingArtifact without data, UsageError for a space that names no setting."""
    from lstm_cli.steps.tune import search_is_up_to_date
    from lstm_cli.steps.tune.record import reusable_trials
    from lstm_cli.steps.tune.spec import make_search_spec

    search = make_search_spec(str(run), config, fixed)
    with open_run(run) as opened:
        reads = would_read(opened, "data")
        trials, _ = reusable_trials(opened, search, force=force)
        same = len(trials) == search.wanted and search_is_up_to_date(opened, search, trials)
        writes = [*would_write(run, "tune"), *would_write(run, "train")]
        need = train_need(*load_outline(opened), fixed)
        return _plan(run, "tune", opened, reads, writes, same=same, need=need)


def plan_evaluate(run: Path, config: EvaluateConfig, *, force: bool) -> DryRunPlan:
    """Return what `evaluate` would do.

    Raises MissingArtifact or StaleArtifact without a model of the current data, UsageError or OutputError for the
    output folder.
    """
    copies: list[str] = []
    if config.output is not None:
        check_output_folder(config.output, ARTIFACTS["scores"].files, run=run)
        copies = [str(Path(config.output) / name) for name in ARTIFACTS["scores"].files]
    with open_run(run) as opened:
        require_fresh(opened, "model")
        model = load_model(opened)
        unseen = model.refitted and config.split == "val"
        small = config.precision in ("int8", "fp16")
        small |= config.precision == "auto" and not unseen and serves_quantized(opened)
        reads = would_read(opened, "data", "model", *(("quantized",) if small else ()))
        same = not force and is_up_to_date(opened, "evaluate", config=asdict(config), ignoring=JUDGED)
        need = scoring_need(*load_outline(opened), model, windows=MANY)
        writes = would_write(run, "evaluate")
        return _plan(run, "evaluate", opened, reads, writes, same=same, need=need, always=copies)


def plan_quantize(run: Path, config: QuantizeConfig, *, force: bool) -> DryRunPlan:
    """Raises MissingArtifact or StaleArtifact without a model of the data there now."""
    with open_run(run) as opened:
        require_fresh(opened, "model")
        reads = would_read(opened, "data", "model")
        same = not force and is_up_to_date(opened, "quantize", config=asdict(config))
        need = scoring_need(*load_outline(opened), load_model(opened), windows=MANY)
        return _plan(run, "quantize", opened, reads, would_write(run, "quantize"), same=same, need=need)


def plan_predict(run: Path, new: str | None, config: PredictConfig) -> DryRunPlan:
    """Raises MissingArtifact without a model, DataError for NEW that cannot be read, OutputError, UsageError."""
    if config.output != "-":
        check_output(config.output, run=run, source=new)
    with open_run(run) as opened:
        names = ["model"]
        if opened.has("quantized") and config.precision in ("auto", "int8", "fp16"):
            names.append("quantized")
        if new is None:
            names.append("data")
        reads: list[tuple[str, int | None]] = [*would_read(opened, *names)]
        model = load_model(opened)
        need = scoring_need(model.schema, model.series, model, windows=len(model.series.names))
    if new is not None:
        reads += _sizes([new])
    output = STDOUT if config.output == "-" else config.output
    return _plan(run, "predict", None, reads, [output], need=need)


def plan_export(run: Path, config: ExportConfig) -> DryRunPlan:
    """Raises MissingArtifact or StaleArtifact without a model, UsageError, OutputError."""
    from lstm_cli.steps.export import output_names

    with open_run(run) as opened:
        if config.to != "npz" or opened.has("model"):
            require_fresh(opened, "model")
        names = [name for name in ("data", "model") if opened.has(name)]
        outputs = output_names(run, config)
        if config.output is not None:
            for path in outputs:
                check_output(path, run=run, exported=True)
        return _plan(run, "export", None, would_read(opened, *names), [str(path) for path in outputs])


def plan_looking(run: Path, step: str, *, whole: bool) -> DryRunPlan:
    """Of a verb that only looks. whole: at every file, not at `run.json` alone."""
    with open_run(run) as opened:
        manifest = run / "run.json"
        reads = [(str(manifest), manifest.stat().st_size)]
        if whole:
            reads += would_read(opened, *(name for name in ARTIFACTS if opened.has(name)))
        return _plan(run, step, None, reads, [])


def _sized(folder: Path) -> tuple[str, int]:
    """A folder, and the bytes of the files in it."""
    return str(folder), sum(path.stat().st_size for path in folder.iterdir())


def _sizes(paths: Sequence[str]) -> list[tuple[str, int | None]]:
    """Each data file and its size. Raises DataError for one that cannot be read."""
    found: list[tuple[str, int | None]] = []
    for path in paths:
        if is_pipe(path):
            found.append(("standard input" if path == STDIN else path, None))
            continue
        with open_source(path):
            found.append((path, Path(path).stat().st_size))
    return found


def _plan(
    run: Path | None,
    step: str,
    opened: Run | None,
    reads: Sequence[tuple[str, int | None]],
    writes: Sequence[str],
    *,
    same: bool = False,
    need: MemoryNeed | None = None,
    always: Sequence[str] = (),
) -> DryRunPlan:
    """Return the plan. always: what is written when the step is up to date, too."""
    before = opened.steps.get(step) if opened is not None else None
    return DryRunPlan(
        run=None if run is None else str(run),
        step=step,
        up_to_date=same,
        reads=tuple({"path": path, "size": size} for path, size in reads),
        writes=(*(() if same else writes), *always),
        seconds=None if before is None else before["times"].get("seconds"),
        memory=None if need is None else {"need": need.size, "have": available_memory()},
    )
