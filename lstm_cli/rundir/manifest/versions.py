"""Versions of the model of a run: the current one, and earlier ones that can serve again.

`run.json` lists them under `models`, in the order in which they served last, so the current model is the last one:

    {"folder": "0002", "digest": "<sha256>", "made": "2026-11-29T02:00:00Z", "made_by": "train", "model": "segment",
     "data": {"sha256": ..., "time_end": ...}, "val": {...}, "scores": {...}, "since": {...}, "rolled_back": true,
     "served": [{"since": ..., "until": ..., "by": "train"}], "verdicts": [{"at": ..., "verdict": "kept", ...}],
     "steps": {"train": {...}, "quantize": {...}}}

A version has the number of its folder. `steps` has the manifest entries of an earlier version whose folders are kept.
The entries of the current version are in the `steps` of the manifest. A release that does not know the key drops it
together with the folders, because it removes each folder that its `steps` do not name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lstm_cli.rundir.layout import ARTIFACTS
from lstm_cli.rundir.manifest import artifact_digest

Record = dict[str, Any]

MAX_RECORDS = 365  # versions in the list, most of them without their folders
MAX_PERIODS = 20  # periods of one version
MAX_VERDICTS = 60  # newest verdicts of `refresh` about the current version
MAX_OLD_VERDICTS = 3  # those about an earlier version
ROLLBACK = "rollback"  # why a version serves, if it was not made then
SCORES = ("mase", "mae_scaled")


def named_folders(name: str, steps: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the numbered folders of an artifact that the manifest names: the current one and those of kept versions.

    Args:
        name: Name of the artifact.
        steps: Steps of the manifest.
        models: Versions of the model in the manifest.
    """
    step = ARTIFACTS[name].made_by
    wrote = [
        entries.get(step, {}).get("wrote", {}).get(name)
        for entries in (steps, *(record.get("steps", {}) for record in models))
    ]
    return {str(each["folder"]) for each in wrote if each}


def list_versions(steps: Mapping[str, Any], models: Sequence[Record]) -> list[Record]:
    """Return the versions of the model, the current one last. A run of an older release lists none: make its record."""
    current = _wrote_model(steps)
    if current is None:
        return []
    if models and models[-1]["folder"] == current["folder"]:
        return list(models)
    return [describe_model(steps, made_by="train", since=steps["train"]["times"].get("finished"))]


def version_number(record: Mapping[str, Any]) -> int:
    """Return the number of a version, which is that of its folder."""
    return int(record["folder"])


def kept_versions(models: Iterable[Record]) -> list[Record]:
    """Return the earlier versions whose folders are kept, so that they can serve again."""
    return [record for record in models if is_kept(record)]


def is_after_rollback(models: Sequence[Record]) -> bool:
    """Return whether the current model was chosen by a rollback."""
    return bool(models) and models[-1]["served"][-1].get("by") == ROLLBACK


def is_refreshed(models: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the run has a verdict of `refresh`, which adds rows without a training."""
    return any(record.get("verdicts") for record in models)


def newest_folder(steps: Mapping[str, Any], models: Sequence[Record]) -> str | None:
    """Return the folder of the model that was trained last, or None. After a rollback it is not the current one."""
    return max((record["folder"] for record in list_versions(steps, models)), key=int, default=None)


def is_kept(record: Mapping[str, Any]) -> bool:
    """Return whether the folders of an earlier version are kept, so that it can serve again."""
    return "steps" in record


def describe_model(steps: Mapping[str, Any], *, made_by: str, since: str | None) -> Record:
    """Return the record of the current model.

    Args:
        steps: Steps of the manifest.
        made_by: Verb that made the model.
        since: Time from which it serves.
    """
    entry, wrote = steps["train"], steps["train"]["wrote"]["model"]
    report, data = entry["report"], entry["read"].get("data", {}).get("sha256")
    prepare = steps.get("prepare", {})
    prepared = prepare.get("wrote", {}).get("data")
    is_same = prepared is not None and artifact_digest(prepared["files"]) == data
    return {
        "folder": wrote["folder"],
        "digest": artifact_digest(wrote["files"]),
        "made": entry["times"].get("finished"),
        "made_by": made_by,
        "model": report.get("model"),
        "data": {"sha256": data, "time_end": prepare["report"].get("time_end") if is_same else None},
        "val": report.get("val"),
        "served": [{"since": since, "until": None, "by": made_by}],
    }


def scores_of(steps: Mapping[str, Any], digest: str) -> dict[str, Any] | None:
    """Return the scores that `evaluate` stored for a model, by its digest; None if the scores are of another one."""
    entry = steps.get("evaluate")
    if entry is None or entry["read"].get("model", {}).get("sha256") != digest:
        return None
    report = entry["report"]
    metrics = report.get("metrics") or {}
    if "task" in report:  # another task than a forecast, with other metrics
        return {"split": report.get("split"), **metrics}
    return {
        "split": report.get("split"),
        "windows": report.get("windows"),
        **{name: metrics.get(name) for name in SCORES},
        "wql": report.get("wql"),
        "coverage": report.get("coverage"),
    }


def add_version(
    models: Sequence[Record],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    keep: int,
    made_by: str,
    broken: Collection[str] = (),
) -> list[Record]:
    """Return the versions after the commit of a new model.

    Args:
        models: Versions before the commit.
        before: Steps of the manifest before the commit.
        after: Steps of the manifest with the new model.
        keep: Models whose folders are kept, with the new one.
        made_by: Verb that made the model.
        broken: Steps whose artifacts are corrupt, so that they are not kept.
    """
    now = after["train"]["times"]["finished"]
    earlier = [_without(record, "rolled_back") for record in _close(models, before, now, broken)]
    earlier = earlier[-(MAX_RECORDS - 1) :]
    removed = max(0, len(kept_versions(earlier)) - (keep - 1))
    for record in kept_versions(earlier)[:removed]:
        del record["steps"]
    return [*earlier, describe_model(after, made_by=made_by, since=now)]


def roll_back(
    models: Sequence[Record], steps: Mapping[str, Any], folder: str, *, now: str, with_quantized: bool = True
) -> tuple[dict[str, Any], list[Record]]:
    """Return steps and versions of the manifest after a kept version became the current one.

    Args:
        models: Versions before.
        steps: Steps of the manifest before.
        folder: Folder of the kept version.
        now: Current time.
        with_quantized: The quantized model of the version becomes the current one too, if it is kept.
    """
    earlier = _close(models, steps, now)
    if int(folder) < int(earlier[-1]["folder"]):
        earlier[-1]["rolled_back"] = True
    target = next(record for record in earlier if record["folder"] == folder)
    period = {"since": now, "until": None, "by": ROLLBACK}
    current = _without(target, "steps", "rolled_back") | {
        "served": [*target["served"], period][-MAX_PERIODS:]
    }
    entries = {step: entry for step, entry in target["steps"].items() if step == "train" or with_quantized}
    return {**steps, **entries}, [*(record for record in earlier if record is not target), current]


def drop_version(models: Sequence[Record], folder: str) -> list[Record]:
    """Return the versions after the folders of an earlier one were given up. Its record stays."""
    return [_without(record, "steps") if record["folder"] == folder else record for record in models]


def add_verdict(
    steps: Mapping[str, Any], models: Sequence[Record], verdict: Mapping[str, Any]
) -> list[Record]:
    """Return the versions after a verdict of `refresh` about the current one.

    Args:
        steps: Steps of the manifest.
        models: Versions in the manifest.
        verdict: Facts about the night.
    """
    *earlier, current = list_versions(steps, models)
    verdicts = _newest_verdicts([*current.get("verdicts", ()), dict(verdict)], MAX_VERDICTS)
    return [*earlier, {**current, "verdicts": verdicts}]


def add_since(
    steps: Mapping[str, Any], models: Sequence[Record], since: Mapping[str, Mapping[str, Any]]
) -> list[Record]:
    """Return the versions with what they scored since their training.

    A version keeps the scores that it has if the new ones are of fewer forecasts: old ones are removed from the ledger.

    Args:
        steps: Steps of the manifest.
        models: Versions in the manifest.
        since: Scores by the digest of the model.
    """
    versions = []
    for record in list_versions(steps, models):
        new = since.get(record["digest"])
        is_newer = new is not None and new["forecasts"] >= (record.get("since") or {}).get("forecasts", 0)
        versions.append({**record, "since": dict(new)} if new is not None and is_newer else record)
    return versions


def _close(
    models: Sequence[Record], steps: Mapping[str, Any], now: str, broken: Collection[str] = ()
) -> list[Record]:
    """Return copies of all versions as earlier ones: the current one gets its end, its scores and its entries."""
    versions = [dict(record) for record in list_versions(steps, models)]
    if versions:
        current = versions[-1]
        current["served"] = [*current["served"][:-1], current["served"][-1] | {"until": now}]
        current["scores"] = scores_of(steps, current["digest"]) or current.get("scores")
        if "verdicts" in current:
            current["verdicts"] = _newest_verdicts(current["verdicts"], MAX_OLD_VERDICTS)
        if "train" not in broken:
            current["steps"] = {"train": steps["train"]}
        quantize = None if broken else steps.get("quantize")
        if quantize is not None and quantize["read"].get("model", {}).get("sha256") == current["digest"]:
            current["steps"]["quantize"] = quantize
    return versions


def _newest_verdicts(verdicts: Sequence[Record], count: int) -> list[Record]:
    """Return the newest verdicts, and the newest one of each kind: that of the last training counts for later nights.

    Args:
        verdicts: Verdicts in the order of time.
        count: Number of the newest verdicts.
    """
    last = {verdict.get("verdict"): index for index, verdict in enumerate(verdicts)}
    return [
        verdict
        for index, verdict in enumerate(verdicts)
        if index >= len(verdicts) - count or index in last.values()
    ]


def _without(record: Mapping[str, Any], *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _wrote_model(steps: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wrote: Mapping[str, Any] | None = steps.get("train", {}).get("wrote", {}).get("model")
    return wrote
