"""`tune`: settings are searched on the validation rows, every trial recorded; the best becomes the run's model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig, TuneConfig, restore_settings
from lstm_cli.config.extras import SEARCH, require_installed
from lstm_cli.config.search_space import Choice, Range, Space, value_text
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import MissingArtifact
from lstm_cli.events import Listener, Note, Progressed, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Run, Writer, command, is_up_to_date, stale_sources, writing
from lstm_cli.steps.shared.cached_report import replay_report
from lstm_cli.steps.shared.memory_estimate import require_train
from lstm_cli.steps.train import model_is_up_to_date
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import train_and_commit
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

BUDGET_SETTINGS = (
    "jobs",
    "dask",
    "time",
)  # settings of a search that change nothing in one that has all its trials


def tune(
    run: Path,
    config: TuneConfig,
    fixed: TrainConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TuneReport:
    """Searches the settings of `train`, and trains the winner as the run's model.

    fixed: the settings of every trial, seed among them. The run is committed after every trial, so a search that
    was killed goes on with the trials it lacks; one that came to its end is left alone. force: search anew. Raises
    UsageError for a space that names no setting, a grid without end, and where every trial was refused for its
    settings; QualityError where all failed otherwise; Interrupted.
    """
    search = make_search_spec(str(run), config, fixed)
    with writing(run, step="tune", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        trials, why = reusable_trials(writer.run, search, force=force)
        if len(trials) == search.wanted and search_is_up_to_date(writer.run, search, trials):
            return replay_report(TuneReport, writer.run, "tune")
        require_installed("lstm tune", *SEARCH)
        require_train(writer.run, fixed, doing="each trial")
        dataset = load_dataset(writer.run)
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
            trials = sorted([*trials, trial], key=lambda one: int(one["number"]))
            _commit(writer, search, trials, make_report(search, trials, winner=earlier.get("winner")))
            _note_trial(listen, search, trial, trials)
        winner = winning_settings(search, trials)
        if winner is None:
            raise no_trial_error(trials, f"{command('tune', run)} --show")
        chosen = restore_settings(TrainConfig, asdict(fixed) | winner)
        trained = _stored_report(writer.run, chosen) if len(trials) == before else None
        if trained is None:
            best = best_trial(trials) or {}
            listen(Note(text=f"training the best, trial {best['number']}, as the run's model"))
            writer.switch_step("train", sources=_train_sources(sources, winner))
            how = CheckpointPolicy(others=False)
            trained = train_and_commit(writer, chosen, listen, how=how, should_stop=should_stop).to_json()
            writer.switch_step("tune", sources=sources)
        found = _findings(trials)
        for finding in found:
            listen(WarningRaised(finding=finding))
        report = make_report(search, trials, winner=winner, trained=trained, found=found)
        return _commit(writer, search, trials, report)


def search_is_up_to_date(run: Run, search: SearchSpec, trials: Sequence[Trial]) -> bool:
    """Whether the search came to its end, and its winner is the run's model."""
    winner = winning_settings(search, trials)
    if winner is None or not run.report("tune").get("finished"):
        return False
    chosen = restore_settings(TrainConfig, asdict(search.fixed) | winner)
    return model_is_up_to_date(run, chosen) and is_up_to_date(
        run, "tune", config=_config(search), ignoring=BUDGET_SETTINGS
    )


def _config(search: SearchSpec) -> dict[str, Any]:
    return asdict(search.config) | search_identity(search)


def _train_sources(sources: Mapping[str, str] | None, winner: Mapping[str, Any]) -> dict[str, str] | None:
    """Where the settings of the run's model came from: those of every trial as given, the rest from the search."""
    if sources is None:
        return None
    given = {name: source for name, source in sources.items() if name in asdict(TrainConfig())}
    return dict.fromkeys(winner, "tune") | given


def _cores() -> int:
    from lstm_cli.training.setup.device import usable_cores

    return usable_cores()


def _note_start(listen: Listener, run: Run, search: SearchSpec, before: int, why: str) -> None:
    searched = ", ".join(f"{name}={text}" for name, text in space_text(search.space).items())
    listen(Note(text=f"searching {searched}: {search.wanted} trials, compared on the validation rows"))
    if before:
        listen(Note(text=f"going on with a search that has {before} of them"))
    elif why:
        gone = len(run.report("tune")["trials"])
        listen(Note(text=f"a new search, since {why}: it takes the place of the {gone} trials there were"))
    listen(Progressed(stage="trials", done=before, total=search.wanted, unit="trials"))


def _note_trial(listen: Listener, search: SearchSpec, trial: Trial, trials: Sequence[Trial]) -> None:
    best = best_trial(trials)
    texts = {name: value_text(value) for name, value in trial["settings"].items()}
    mark = " (best so far)" if best is not None and best["number"] == trial["number"] else ""
    listen(Note(text=trial_line(trial, texts) + mark))
    listen(Progressed(stage="trials", done=len(trials), total=search.wanted, unit="trials"))


def _findings(trials: Sequence[Trial]) -> tuple[Finding, ...]:
    failed = [trial for trial in trials if trial["state"] == FAILED]
    if not failed:
        return ()
    text = f"{len(failed)} of {len(trials)} trials failed, the first with: {failed[0]['reason']}"
    return (Finding(rule="M210", kind=MODEL, text=text, count=len(failed)),)


def _stored_report(run: Run, chosen: TrainConfig) -> Mapping[str, Any] | None:
    """The report of the training that made this very model, where the run has it and it is fresh."""
    try:
        same = restore_settings(TrainConfig, run.entry("train")["config"]) == chosen and not stale_sources(
            run, "model"
        )
    except (MissingArtifact, TypeError):  # TypeError: settings of another version of lstm
        return None
    return run.report("train") if same else None


def _commit(writer: Writer, search: SearchSpec, trials: Sequence[Trial], report: TuneReport) -> TuneReport:
    """Makes the trials so far count, with the picture where the search has come to its end."""
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
        title = name if share is None else f"{name}: {100 * share:.0f} % of the variance"
        tried = [trial["settings"][name] for trial in done]
        if isinstance(values, Choice):
            order = [value_text(one) for one in values.options]
            return SettingPanel(
                title=title, values=[value_text(one) for one in tried], log=False, order=order
            )
        numbers = [float(one[0] if isinstance(one, list | tuple) else one) for one in tried]
        return SettingPanel(title=title, values=numbers, log=values.log)

    panels = [panel(name, values) for name, values in space.items()]
    return draw_search(panels, [float(trial["score"]) for trial in done], metric=report.metric or "score")
