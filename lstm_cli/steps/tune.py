"""`tune`: settings are searched on the validation rows, every trial recorded; the best becomes the run's model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig, TuneConfig, restored
from lstm_cli.config.space import Choice, Range, Space, as_text, parse_space
from lstm_cli.data.stored import load_dataset
from lstm_cli.errors import MissingArtifact
from lstm_cli.events import Listener, Noted, Progressed, Warned
from lstm_cli.rundir import Run, Writer, command, writing
from lstm_cli.steps.making import make_model
from lstm_cli.steps.proposals import trials_wanted
from lstm_cli.steps.search import best_of, nothing_found, one_line, require_extras, search
from lstm_cli.steps.search_record import (
    PICTURE,
    TRIALS,
    TuneReport,
    identity,
    report_of,
    trials_before,
    winning,
    written,
)
from lstm_cli.steps.trial import DONE, FAILED, Trial


def tune(
    run: Path,
    config: TuneConfig,
    fixed: TrainConfig,
    listen: Listener,
    *,
    lock_wait: float = 0.0,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TuneReport:
    """Searches the settings of `train`, and trains the winner as the run's model.

    fixed: the settings of every trial, seed among them. The run is committed after every trial, so a search that
    was killed goes on with the trials it lacks. Raises UsageError for a space that names no setting, a grid
    without end, and where every trial was refused for its settings; QualityError where all failed otherwise;
    Interrupted.
    """
    require_extras(config)
    space = parse_space(config.space, fixed)
    wanted = trials_wanted(space, config.trials, grid=config.method == "grid")
    with writing(run, step="tune", lock_wait=lock_wait) as writer:
        assert writer.run is not None
        dataset = load_dataset(writer.run)
        same = identity(config, fixed, space)
        trials, why = trials_before(writer.run, same)
        _tell_beginning(listen, writer.run, trials, why, space, wanted)
        earlier = writer.run.report("tune") if writer.run.has("tune") else {}

        def record(**more: Any) -> TuneReport:
            report = report_of(str(run), config, fixed, space, trials, wanted=wanted, **more)
            return _commit(writer, report, trials, space, asdict(config) | same, fixed)

        ran = 0
        listen(Progressed(stage="trials", done=len(trials), total=wanted, unit="trials"))
        for trial in search(
            dataset,
            space,
            config,
            fixed,
            trials,
            wanted=wanted,
            threads=fixed.threads or _cores(),
            should_stop=should_stop,
        ):
            ran += 1
            trials = sorted([*trials, trial], key=lambda one: int(one["number"]))
            record(winner=earlier.get("winner"))
            _tell(listen, trial, trials, wanted)
        winner = winning(fixed, trials)
        if winner is None:
            raise nothing_found(trials, f"{command('tune', run)} --show")
        chosen = restored(TrainConfig, asdict(fixed) | winner)
        trained = None if ran else _made_before(writer.run, chosen)
        if trained is None:
            listen(
                Noted(
                    text=f"training the best, trial {(best_of(trials) or {})['number']}, as the run's model"
                )
            )
            writer.go_on_as("train")
            trained = make_model(writer, chosen, listen, should_stop=should_stop).to_json()
            writer.go_on_as("tune")
        warnings = _warnings(trials)
        for text in warnings:
            listen(Warned(text=text))
        return record(winner=winner, trained=trained, warnings=warnings)


def _cores() -> int:
    from lstm_cli.training.device import usable_cores

    return usable_cores()


def _tell_beginning(
    listen: Listener, run: Run, trials: Sequence[Trial], why: str, space: Space, wanted: int
) -> None:
    searched = ", ".join(f"{name}={text}" for name, text in written(space).items())
    listen(Noted(text=f"searching {searched}: {wanted} trials, compared on the validation rows"))
    if trials:
        listen(Noted(text=f"going on with a search that has {len(trials)} of them"))
    elif why:
        before = len(run.report("tune")["trials"])
        listen(Noted(text=f"a new search, since {why}: it takes the place of the {before} trials there were"))


def _tell(listen: Listener, trial: Trial, trials: Sequence[Trial], wanted: int) -> None:
    best = best_of(trials)
    texts = {name: as_text(value) for name, value in trial["settings"].items()}
    mark = " (best so far)" if best is not None and best["number"] == trial["number"] else ""
    listen(Noted(text=one_line(trial, texts) + mark))
    listen(Progressed(stage="trials", done=len(trials), total=wanted, unit="trials"))


def _warnings(trials: Sequence[Trial]) -> tuple[str, ...]:
    failed = [trial for trial in trials if trial["state"] == FAILED]
    if not failed:
        return ()
    return (f"{len(failed)} of {len(trials)} trials failed, the first with: {failed[0]['reason']}",)


def _made_before(run: Run, chosen: TrainConfig) -> Mapping[str, Any] | None:
    """The report of the training that made this very model, where the run has it and it is fresh."""
    try:
        same = restored(TrainConfig, run.entry("train")["config"]) == chosen and not run.stale("model")
    except (MissingArtifact, TypeError):  # TypeError: settings of another version of lstm
        return None
    return run.report("train") if same else None


def _commit(
    writer: Writer,
    report: TuneReport,
    trials: Sequence[Trial],
    space: Space,
    config: Mapping[str, Any],
    fixed: TrainConfig,
) -> TuneReport:
    assert writer.run is not None
    folder = writer.new("tune")
    folder.write_json_lines(TRIALS, trials)
    if report.finished:
        report = replace(report, picture=str(folder.folder / PICTURE))
        folder.write_bytes(PICTURE, _picture(report, trials, space))
    writer.commit(
        config=config,
        reads={"data": writer.run.artifact("data").digest},
        report=report.to_json(),
        seed=fixed.seed,
    )
    return report


def _picture(report: TuneReport, trials: Sequence[Trial], space: Space) -> bytes:
    from lstm_cli.pictures.search import SettingPanel, draw_search

    done = [trial for trial in trials if trial["state"] == DONE]

    def panel(name: str, values: Range | Choice) -> SettingPanel:
        share = report.importance[name]["share"]
        title = name if share is None else f"{name}: {100 * share:.0f} % of the variance"
        tried = [restored_value(trial["settings"][name]) for trial in done]
        if isinstance(values, Choice):
            order = [as_text(one) for one in values.options]
            return SettingPanel(title=title, values=[as_text(one) for one in tried], log=False, order=order)
        numbers = [float(one[0] if isinstance(one, tuple) else one) for one in tried]
        return SettingPanel(title=title, values=numbers, log=values.log)

    panels = [panel(name, values) for name, values in space.items()]
    return draw_search(panels, [float(trial["score"]) for trial in done], metric=report.metric or "score")


def restored_value(value: Any) -> Any:
    """A setting as JSON keeps it, as TrainConfig has it."""
    return tuple(value) if isinstance(value, list) else value
