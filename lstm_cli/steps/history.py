"""Step `history`: the versions of a run's model, which of them served when, and the rollback to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli.config.validators import require_one_change
from lstm_cli.errors import CorruptArtifact, UsageError
from lstm_cli.rundir import (
    EXPORTS,
    Run,
    command,
    is_kept,
    list_versions,
    open_run,
    open_version,
    reading_manifest,
    retrain_command,
    scores_of,
    stale_sources,
    version_number,
    writing,
)
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.tasks.records import FORECAST
from lstm_cli.tasks.settle import task_of

VERDICT_KEYS = ("at", "verdict", "text", "time_end")


@dataclass(frozen=True, kw_only=True)
class HistoryReport:
    """Report of `history`."""

    run: str
    current: int  # version that `predict` uses
    versions: tuple[dict[str, Any], ...]  # in the order of their numbers
    rollback: dict[str, Any] | None = (
        None  # from, to, quantized, stale, corrupt; None: no rollback was asked for
    )
    dropped: int | None = None  # version whose folders were removed
    metric: str = FORECAST.metrics[0]  # first one of the task, which a table shows

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("rollback", "dropped"))


def change_or_list(
    run: Path, *, rollback: int | None = None, drop: int | None = None, lock_wait: float = 0.0
) -> HistoryReport:
    """Roll back to a version or remove one, if asked to, and return the versions of the run's model.

    Args:
        run: run directory.
        rollback: version to serve from now on.
        drop: version to remove.
        lock_wait: seconds to wait for the lock of the run.

    Raises:
        UsageError: both are given, or the version is unknown or not kept.
        MissingArtifact, CorruptArtifact, LockedError: as `history`, `roll_back` and `drop_version` do.
    """
    require_one_change(rollback=rollback, drop=drop)
    if rollback is not None:
        return roll_back(run, rollback, lock_wait=lock_wait)
    return history(run) if drop is None else drop_version(run, drop, lock_wait=lock_wait)


def history(run: Path) -> HistoryReport:
    """Return the versions of the run's model. Only `run.json` is read, and nothing is changed.

    Args:
        run: run directory.

    Raises:
        MissingArtifact: the run has no model.
        ArtifactError: the folder is not a run directory, or its `run.json` cannot be read.
    """
    with open_run(run) as opened:
        return _report(opened)


def roll_back(run: Path, number: int, *, lock_wait: float = 0.0) -> HistoryReport:
    """Make an earlier version the current model, with its quantized model, by one rename of `run.json`.

    The files of the version are verified first. A rollback to the current version changes nothing.

    Args:
        run: run directory.
        number: version to serve from now on.
        lock_wait: seconds to wait for the lock of the run.

    Raises:
        UsageError: the version is unknown or not kept.
        MissingArtifact: the run has no model.
        CorruptArtifact: a file of the version is corrupt. Nothing changes.
        LockedError: another process is writing the run.
    """
    with writing(run, step="train", lock_wait=lock_wait) as writer:
        assert writer.run is not None
        record = find_version(writer.run, number, flag="--rollback")
        current = version_number(list_versions(writer.run.steps, writer.run.models)[-1])
        facts: dict[str, Any] = {"from": current, "to": number, "changed": number != current}
        corrupt = False
        if number != current:
            corrupt = not _verify(run, record)
            writer.roll_back(record["folder"], with_quantized=not corrupt)
    with open_run(run) as opened:
        facts |= _consequences(opened) | {"quantized_corrupt": corrupt}
        return _report(opened, rollback=facts)


def drop_version(run: Path, number: int, *, lock_wait: float = 0.0) -> HistoryReport:
    """Remove the folders of an earlier version. Its line in the history stays.

    Args:
        run: run directory.
        number: version to remove.
        lock_wait: seconds to wait for the lock of the run.

    Raises:
        UsageError: the version is unknown, not kept, or the current one.
        MissingArtifact: the run has no model.
        LockedError: another process is writing the run.
    """
    with writing(run, step="train", lock_wait=lock_wait) as writer:
        assert writer.run is not None
        record = find_version(writer.run, number, flag="--drop")
        writer.drop_version(record["folder"])
    with open_run(run) as opened:
        return _report(opened, dropped=number)


def find_version(run: Run, number: int, *, flag: str) -> dict[str, Any]:
    """Return the record of the current version or of a kept one.

    Args:
        run: run with a model.
        number: number of the version.
        flag: flag that names the version.

    Raises:
        MissingArtifact: the run has no model.
        UsageError: the version is unknown, not kept, or `--drop` names the current one.
    """
    run.require("model")
    versions = list_versions(run.steps, run.models)
    current = version_number(versions[-1])
    usable = {version_number(record): record for record in versions if is_kept(record)}
    if flag == "--rollback":
        usable[current] = versions[-1]
    if number in usable:
        return usable[number]
    numbers = ", ".join(map(str, sorted(usable)))
    hint = (
        f"use {flag} with one of {numbers}"
        if usable
        else "no earlier version is kept: 'lstm train --keep 3' keeps two"
    )
    if number == current:
        problem = f"version {number} is the current model and stays"
    elif number in map(version_number, versions):
        problem = f"the files of version {number} are removed"
    else:
        problem = f"version {number} is unknown"
    raise UsageError(f"{flag} {number}: {problem}", hint=hint, flag=flag)


def _verify(run: Path, record: Mapping[str, Any]) -> bool:
    """Verify the files of a version. Return whether its quantized model is intact, or was never made.

    Raises:
        CorruptArtifact: a file of the model is corrupt.
    """
    number = version_number(record)
    with open_version(run, record) as version:
        try:
            version.artifact("model").verify()
        except CorruptArtifact as error:
            raise CorruptArtifact(
                f"version {number} cannot serve: {error.message}",
                hint=f"choose another version, or remove this one: '{command('history', run)} --drop {number}'",
            ) from error
        try:
            if version.has("quantized"):
                version.artifact("quantized").verify()
        except CorruptArtifact:
            return False
    return True


def _consequences(run: Run) -> dict[str, Any]:
    """Return what the current model means for the other artifacts, with the commands that make them again."""
    model, digest = bool(stale_sources(run, "model")), run.digest("model")
    quantize = run.steps.get("quantize")
    fits = quantize is not None and quantize["read"].get("model", {}).get("sha256") == digest
    stale = [
        name
        for name in ("quantized", "scores")
        if run.has(name) and (model or stale_sources(run, name)) and not (name == "quantized" and fits)
    ]
    return {
        "quantized": quantize["report"].get("to") if quantize is not None and fits else None,
        "stale": stale,
        "exports": _has_exports(run.path),
        "model_is_stale": model,
        "retrain": retrain_command(run),
    }


def _has_exports(run: Path) -> bool:
    """Return whether the run has files for other programs, which a rollback does not change."""
    try:
        return any((run / EXPORTS).iterdir())
    except OSError:  # none, or not readable
        return False


def _report(
    run: Run,
    *,
    rollback: dict[str, Any] | None = None,
    dropped: int | None = None,
) -> HistoryReport:
    run.require("model")
    with reading_manifest(run.path):
        versions = list_versions(run.steps, run.models)
        lines = [_line(run, record, is_current=record is versions[-1]) for record in versions]
        return HistoryReport(
            run=str(run.path),
            metric=task_of(run).metrics[0],
            current=version_number(versions[-1]),
            versions=tuple(sorted(lines, key=lambda line: int(line["version"]))),
            rollback=rollback,
            dropped=dropped,
        )


def _line(run: Run, record: Mapping[str, Any], *, is_current: bool) -> dict[str, Any]:
    """Return the facts about one version for the report."""
    digest, entries = record["digest"], run.steps if is_current else record.get("steps", {})
    quantize = entries.get("quantize")
    if quantize is not None and quantize["read"].get("model", {}).get("sha256") != digest:
        quantize = None
    made = [
        entries[step]["wrote"] for step in ("train", *(["quantize"] if quantize else [])) if step in entries
    ]
    files = [file for wrote in made for artifact in wrote.values() for file in artifact["files"].values()]
    return {
        "version": version_number(record),
        "current": is_current,
        "kept": is_current or is_kept(record),
        "folder": f"model/{record['folder']}",
        "size": sum(file["size"] for file in files) if files else None,
        "digest": digest,
        "model": record.get("model"),
        "made": record.get("made"),
        "made_by": record.get("made_by"),
        "data": record.get("data"),
        "val": record.get("val"),
        "scores": (scores_of(run.steps, digest) if is_current else None) or record.get("scores"),
        "since": record.get("since"),
        "served": record["served"],
        "verdicts": [
            {key: verdict.get(key) for key in VERDICT_KEYS} for verdict in record.get("verdicts", ())
        ],
        "rolled_back": bool(record.get("rolled_back")),
        "quantized": None if quantize is None else quantize["report"].get("to"),
    }
