"""Summary of one run: what it is, what it scored, what is out of date, and the next command."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.rundir import (
    ARTIFACTS,
    CHECKPOINT,
    Run,
    command,
    lock_holder,
    missing_files,
    newest_folder,
    reading_manifest,
    stale_sources,
)
from lstm_cli.steps.runs.facts import (
    ClassScoreFacts,
    DataFacts,
    ModelFacts,
    ScoreFacts,
    TextScoreFacts,
    class_score_facts,
    data_facts,
    first_score,
    model_facts,
    score_facts,
    text_of,
    text_score_facts,
)
from lstm_cli.tasks.settle import task_of

# States of a run. The first one that holds is its state.
CORRUPT, NEWER, UNREADABLE = "corrupt", "newer release", "not readable"
MISSING, LOCKED, INTERRUPTED, NO_MODEL = "missing files", "locked", "training interrupted", "no model"
STALE, NOT_SCORED, READY = "out of date", "not evaluated", "up to date"
CONSEQUENCES = ("model", "quantized", "scores")  # artifacts that a new step makes again, in this order


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """Summary of one run. The facts are None if the run has no such artifact, or if `problem` is set."""

    run: str  # path
    name: str  # path below the folder of the list; `run` for a single run
    state: str
    data: DataFacts | None = None
    model: ModelFacts | None = None
    scores: ScoreFacts | None = None
    class_scores: ClassScoreFacts | None = None  # of labelled sequences
    text_scores: TextScoreFacts | None = None
    stale: dict[str, tuple[str, ...]]  # artifact -> the artifacts that changed after it was made
    missing: tuple[str, ...] = ()  # files that run.json names
    source_changed: bool = False  # the data file has another size now
    # Of the checkpoint: `model`, and the progress of each network in `parts`, such as `free: epoch 7 of 11`.
    training: dict[str, Any] | None = None
    locked_by: str | None = None
    time: str | None = None  # UTC, end of the last step
    next: str  # command
    why: str  # purpose of this command, as a phrase
    problem: str | None = None  # why run.json is not readable
    score: dict[str, Any] | None = None  # first metric of the task, and its value


def summarize(run: Run, *, name: str | None = None) -> RunSummary:
    """Return the summary of an open run. Only `run.json` and a checkpoint are read; no file is hashed.

    Args:
        run: open run.
        name: name in a list; None for its path.

    Raises:
        CorruptArtifact: `run.json` was edited, and a value has another type.
    """
    with reading_manifest(run.path):
        facts = data_facts(run), model_facts(run), score_facts(run), class_score_facts(run)
        text_scores = text_score_facts(run)
        score = first_score(run)
        stale = {artifact: stale_sources(run, artifact) for artifact in ARTIFACTS if run.has(artifact)}
        stale = {artifact: causes for artifact, causes in stale.items() if causes}
        times = [text_of(entry["times"], "finished") for entry in run.steps.values()]
        changed = _source_changed(run)
        missing = missing_files(run)
        training, locked_by = _training(run), lock_holder(run.path)
        state = _state(run, missing, locked_by, training, stale)
        next_command, why = _next(run, state, missing, stale, training)
    return RunSummary(
        run=str(run.path),
        name=str(run.path) if name is None else name,
        state=state,
        data=facts[0],
        model=facts[1],
        scores=facts[2],
        class_scores=facts[3],
        text_scores=text_scores,
        score=score,
        stale=stale,
        missing=tuple(
            f"{artifact}/{run.artifact(artifact).folder.name}/{file}"
            for artifact, files in missing.items()
            for file in files
        ),
        source_changed=changed,
        training=None if training is None else {key: training[key] for key in ("model", "parts")},
        locked_by=locked_by,
        time=max((time for time in times if time is not None), default=None),
        next=next_command,
        why=why,
    )


def _state(run: Run, missing: Any, locked_by: str | None, training: Any, stale: Any) -> str:
    if missing:
        return MISSING
    if locked_by is not None:
        return LOCKED
    if training is not None:
        return INTERRUPTED
    if not run.has("model"):
        return NO_MODEL
    if any(artifact in stale for artifact in CONSEQUENCES):
        return STALE
    return READY if run.has("scores") else NOT_SCORED


def _next(run: Run, state: str, missing: Any, stale: Any, training: Any) -> tuple[str, str]:
    """Return the next command and its purpose."""
    path = run.path
    if state in (MISSING, INTERRUPTED, STALE):
        from lstm_cli.steps.runs.next_command import again  # needed by few runs

        if state == INTERRUPTED:
            with suppress(TypeError):  # a checkpoint that was edited
                return again(
                    run, "train", training["config"], start=training.get("start")
                ), "to resume the training"
            return command("train", path), "to resume the training"
        changed = missing if state == MISSING else [name for name in CONSEQUENCES if name in stale]
        artifact = ARTIFACTS[next(iter(changed))]
        return again(run, artifact.made_by), f"to make the {artifact.title} again"
    if state == LOCKED:
        return command("runs", path), "to look again when the other process is done"
    if not run.has("data"):
        return command("prepare", path), "to prepare data"
    if state == NO_MODEL:
        return command("train", path), "to train a model"
    if state == NOT_SCORED:
        return command("evaluate", path), "to score the model"
    task = task_of(run)
    return f"{command('predict', path)} -o {task.output}", task.purpose


def _source_changed(run: Run) -> bool:
    """Return whether the one data file of `prepare` has another size now. A file that is gone does not count."""
    entry = run.steps.get("prepare", {})
    read = entry.get("read", {})
    source = text_of(entry.get("report", {}), "source")
    if source is None or list(read) != ["source"]:
        return False
    try:
        path = Path(source)
        return path.is_file() and path.stat().st_size != read["source"]["size"]
    except (OSError, ValueError):
        return False


def _training(run: Run) -> dict[str, Any] | None:
    """Return the training that the checkpoint can resume, with its settings, or None."""
    if not os.path.lexists(run.path / CHECKPOINT):
        return None
    from lstm_cli.rundir import Checkpoint  # needed by few runs

    about = Checkpoint(run.path).read_about()
    if about is None:
        return None
    # A training that has completed since, or whose data changed, is not resumed.
    model = newest_folder(run.steps, run.models)
    release = about.get("release")
    is_usable = (
        about.get("model") == model
        and about.get("data") == run.digest("data")
        and isinstance(release, dict)
        and release.get("lstm-cli") == __version__
    )
    if not is_usable:
        return None
    trainings, config, start = about.get("trainings"), about.get("config"), about.get("start")
    facts = trainings.values() if isinstance(trainings, dict) else ()
    name = config.get("model") if isinstance(config, dict) else None
    return {
        "config": config if isinstance(config, dict) else {},
        "start": start if isinstance(start, dict) and "run" in start else None,
        "model": name if isinstance(name, str) else None,
        "parts": tuple(dict.fromkeys(_progress(each) for each in facts if isinstance(each, dict))),
    }


def _progress(facts: dict[str, Any]) -> str:
    """Return the progress of a network: `free: epoch 7 of 11`."""
    part, epoch, epochs = (facts.get(key) for key in ("part", "epoch", "epochs"))
    if "linear" in facts or facts.get("over") or type(epoch) is not int or type(epochs) is not int:
        return f"{part}: finished"
    return f"{part}: epoch {epoch} of {epochs}"
