"""Step `tune`: search settings on the validation rows, record each trial, train the winner as the run's model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig, TuneConfig, restore_settings
from lstm_cli.config.extras import require_installed
from lstm_cli.config.search_space import Choice, Range, Space, value_text
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.errors import MissingArtifact
from lstm_cli.events import Listener, Note, Progressed, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Run, Writer, command, is_up_to_date, reading_manifest, stale_sources, writing
from lstm_cli.steps.shared.cached_report import replay_report
from lstm_cli.steps.train import model_is_up_to_date, warn_rolled_back
from lstm_cli.steps.train.warm_start import started_alike
from lstm_cli.steps.train.work import WORK as TRAIN_WORK
from lstm_cli.steps.tune.record import (
    PICTURE,
    TRIALS,
    TuneReport,
    make_report,
    reusable_trials,
    search_identity,
    space_text,
    study_name,
    winning_settings,
)
from lstm_cli.steps.tune.search import best_trial, no_trial_error, run_trials, trial_line
from lstm_cli.steps.tune.spec import DONE, FAILED, SearchSpec, Trial, make_search_spec
from lstm_cli.steps.tune.work import WORK
from lstm_cli.tasks.settle import require_own_options, require_verb_of, stored_task

BUDGET_SETTINGS = (
    "jobs",
    "dask",
    "time",
)  # a finished search is up to date with any value of these


def tune(
    run: Path,
    config: TuneConfig,
    fixed: TrainConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    keep: int = KEEP_MODELS,
    should_stop: Callable[[], int | None] = lambda: None,
    network: TrainOfTasks | None = None,
) -> TuneReport:
    """Search the settings of `train`, and train the winner as the run's model.

    Each trial is committed, so a search that was killed resumes with the missing trials. A finished search that is
    up to date is not repeated.

    Args:
        run: run directory with prepared data.
        config: search space, method and limits.
        fixed: settings that all trials share, with the seed.
        listen: receives notes, warnings and progress.
        force: discard the earlier trials and search again.
        lock_wait: seconds to wait for the lock of the run.
        sources: source of each setting, for the manifest.
        keep: models to keep for a rollback, with the winner.
        should_stop: returns the signal that ends the search, or None.
        network: settings of a classifier of sequences that all trials share; None: their defaults.

    Raises:
        UsageError: the space names no setting, a grid is infinite, or all trials had invalid settings.
        QualityError: all trials failed for another reason, or none started within the time limit.
        Interrupted: a signal ended the search.
    """
    search = search_of(run, config, fixed, network)
    work = WORK[search.task]
    with writing(run, step="tune", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        trials, why = reusable_trials(writer.run, search, force=force)
        if len(trials) == search.max_trials and search_is_up_to_date(writer.run, search, trials):
            warn_rolled_back(writer.run, _winner_config(search, trials), listen)
            return replay_report(TuneReport, writer.run, "tune")
        require_installed("lstm tune", *work.packages)
        work.require_memory(writer.run, search.fixed)
        dataset = work.load(writer.run)
        before = len(trials)
        _note_start(listen, writer.run, search, before, why)
        earlier = writer.run.report("tune") if writer.run.has("tune") else {}
        for trial in run_trials(
            search,
            dataset,
            trials,
            name=study_name(search, writer.run.artifact("data").digest),
            threads=fixed.threads or _cores(),
            should_stop=should_stop,
        ):
            trials = sorted([*trials, trial], key=lambda each: int(each["number"]))
            _commit(writer, search, trials, make_report(search, trials, winner=earlier.get("winner")))
            _note_trial(listen, search, trial, trials)
        winner = winning_settings(search, trials)
        if winner is None:
            raise no_trial_error(trials, f"{command('tune', run)} --show")
        chosen = _winner_config(search, trials)
        trained = _stored_report(writer.run, chosen) if len(trials) == before else None
        if trained is None:
            best = best_trial(trials) or {}
            listen(Note(text=f"training the winner (trial {best['number']}) as the run's model"))
            writer.switch_step("train", sources=_train_sources(sources, winner, chosen))
            trained = work.train(writer, chosen, listen, keep, should_stop).to_json()
            writer.switch_step("tune", sources=sources)
        findings = _findings(trials)
        for finding in findings:
            listen(WarningRaised(finding=finding))
        report = make_report(search, trials, winner=winner, trained=trained, findings=findings)
        return _commit(writer, search, trials, report)


def search_of(run: Path, config: TuneConfig, fixed: TrainConfig, network: TrainOfTasks | None) -> SearchSpec:
    """Return the search in a run for these options.

    Args:
        run: run directory.
        config: search space, method and limits.
        fixed: settings that all trials share.
        network: settings of a classifier of sequences; None: their defaults.

    Raises:
        UsageError: an option belongs to another task, or the space is not valid.
    """
    task, network = stored_task(run), network or TrainOfTasks()
    require_verb_of(task, "tune", run)
    require_own_options(task, "train", fixed, network)
    shared = TRAIN_WORK[task.name].settle(fixed, network, None)
    work = WORK[task.name]
    return make_search_spec(
        str(run), config, shared, task=task.name, space=work.space, left_out=work.left_out
    )


def search_is_up_to_date(run: Run, search: SearchSpec, trials: Sequence[Trial]) -> bool:
    """Return whether the search has finished and its winner is the run's model.

    Args:
        run: run with an artifact of `tune`.
        search: search that was asked for.
        trials: recorded trials of the search.
    """
    with reading_manifest(run.path):
        if winning_settings(search, trials) is None or not run.report("tune").get("finished"):
            return False
        chosen = _winner_config(search, trials)
    return model_is_up_to_date(run, chosen) and is_up_to_date(
        run, "tune", config=_config(search), ignoring=BUDGET_SETTINGS
    )


def _winner_config(search: SearchSpec, trials: Sequence[Trial]) -> TrainConfig:
    return restore_settings(
        type(search.fixed), asdict(search.fixed) | (winning_settings(search, trials) or {})
    )


def _config(search: SearchSpec) -> dict[str, Any]:
    return asdict(search.config) | search_identity(search)


def _train_sources(
    sources: Mapping[str, str] | None, winner: Mapping[str, Any], chosen: TrainConfig
) -> dict[str, str] | None:
    """Return the source of each setting of the run's model: `tune` for searched ones, else the given source."""
    if sources is None:
        return None
    given = {name: source for name, source in sources.items() if name in asdict(chosen)}
    return dict.fromkeys(winner, "tune") | given


def _cores() -> int:
    from lstm_cli.training.setup.device import usable_cores

    return usable_cores()


def _note_start(listen: Listener, run: Run, search: SearchSpec, finished: int, why: str) -> None:
    searched = ", ".join(f"{name}={text}" for name, text in space_text(search.space).items())
    listen(Note(text=f"searching {searched}: {search.max_trials} trials, scored on the validation set"))
    if finished:
        listen(Note(text=f"resuming the search: {finished} of {search.max_trials} trials finished"))
    elif why:
        with reading_manifest(run.path):
            replaced = len(run.report("tune")["trials"])
        listen(Note(text=f"starting a new search because {why} (it replaces {replaced} earlier trials)"))
    listen(Progressed(stage="trials", done=finished, total=search.max_trials, unit="trials"))


def _note_trial(listen: Listener, search: SearchSpec, trial: Trial, trials: Sequence[Trial]) -> None:
    best = best_trial(trials)
    texts = {name: value_text(value) for name, value in trial["settings"].items()}
    mark = " (best so far)" if best is not None and best["number"] == trial["number"] else ""
    listen(Note(text=trial_line(trial, texts) + mark))
    listen(Progressed(stage="trials", done=len(trials), total=search.max_trials, unit="trials"))


def _findings(trials: Sequence[Trial]) -> tuple[Finding, ...]:
    failed = [trial for trial in trials if trial["state"] == FAILED]
    if not failed:
        return ()
    text = f"{len(failed)} of {len(trials)} trials failed, first error: {failed[0]['reason']}"
    return (Finding(rule="M210", kind=MODEL, text=text, count=len(failed)),)


def _stored_report(run: Run, chosen: TrainConfig) -> Mapping[str, Any] | None:
    """Return the report of `train` if the run's model has these settings and is up to date, else None."""
    try:
        same = restore_settings(type(chosen), run.entry("train")["config"]) == chosen and not stale_sources(
            run, "model"
        )
    except (MissingArtifact, TypeError):  # TypeError: settings of another version of lstm
        return None
    return run.report("train") if same and started_alike(run.entry("train"), None) else None


def _commit(writer: Writer, search: SearchSpec, trials: Sequence[Trial], report: TuneReport) -> TuneReport:
    """Commit the trials so far, with the plot once the search has finished."""
    assert writer.run is not None
    folder = writer.new("tune")
    folder.write_json_lines(TRIALS, trials)
    if report.finished:
        report = replace(report, picture=str(folder.folder / PICTURE))
        folder.write_bytes(PICTURE, _picture(search.space, trials, report))
    writer.commit(
        config=_config(search),
        reads={"data": writer.run.artifact("data").digest},
        report=report.to_json(),
        seed=search.fixed.seed,
    )
    return report


def _picture(space: Space, trials: Sequence[Trial], report: TuneReport) -> bytes:
    from lstm_cli.plots.search import SettingPanel, draw_search

    done = [trial for trial in trials if trial["state"] == DONE]

    def panel(name: str, values: Range | Choice) -> SettingPanel:
        share = report.importance[name]["share"]
        tried = [trial["settings"][name] for trial in done]
        if isinstance(values, Choice):
            order = [value_text(option) for option in values.options]
            words = [value_text(value) for value in tried]
            return SettingPanel(title=name, values=words, log=False, order=order, share=share)
        numbers = [float(value[0] if isinstance(value, list | tuple) else value) for value in tried]
        return SettingPanel(title=name, values=numbers, log=values.log, share=share)

    panels = [panel(name, values) for name, values in space.items()]
    return draw_search(panels, [float(trial["score"]) for trial in done], metric=report.metric or "score")
