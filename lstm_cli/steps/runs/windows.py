"""Facts that decide whether the scores of two runs are of the same windows and the same true values.

Windows are not stored. They follow from the rows of the split, the horizon and the measured values. Two runs agree on
them if they read the same files with the same settings, apart from settings that change the inputs only. As a check,
the naive forecast must have the same error. It depends on nothing but the windows, the true values and their bounds.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from lstm_cli.config import PrepareConfig
from lstm_cli.config.layers import flag_name
from lstm_cli.config.renamed import with_new_names
from lstm_cli.rundir import Run, reading_manifest
from lstm_cli.steps.runs.facts import count_of, numbers_of, text_of, texts_of
from lstm_cli.steps.shared.report_json import plain_value

# Settings of `prepare` that change inputs, not the true values.
ONLY_INPUTS = ("past", "future", "static", "calendar", "holidays", "lookback", "season", "scaler")
# `--missing` and `--pad` can change the naive forecast or the number of windows. The results of the others are
# compared instead of their text.
COMPARED = ("missing", "pad", "target", "horizon", "val", "test")
TOLERANCE = 1e-6  # relative difference of the errors of the naive forecast that rounding explains


def window_facts(run: Run) -> dict[str, Any] | None:
    """Return the facts about the scored windows of a run, or None without scores.

    Raises:
        CorruptArtifact: `run.json` was edited, and a value has another type.
    """
    if not (run.has("scores") and run.has("data")):
        return None
    with reading_manifest(run.path):
        report, prepared = run.report("evaluate"), run.report("prepare")
        data, scored = run.digest("data"), run.entry("evaluate")["read"].get("data", {}).get("sha256")
        split = text_of(report, "split")
        # A setting that an earlier release did not have counts as its default.
        defaults = plain_value(asdict(PrepareConfig()))
        config = defaults | with_new_names(run.entry("prepare")["config"])
        return {
            "current": data == scored,
            "data": scored,
            "files": sorted(fact["sha256"] for fact in run.entry("prepare")["read"].values()),
            "settings": {name: config[name] for name in config if name not in (*ONLY_INPUTS, *COMPARED)},
            "targets": sorted(texts_of(prepared, "targets")),
            "horizon": count_of(prepared, "horizon"),
            "split": split,
            "rows": (prepared.get("split_rows") or {}).get(split),
            "series": _digest(report.get("per_series") or ()),
            "windows": count_of(report, "windows"),
            "naive": numbers_of(report.get("baselines") or {}, "naive"),
        }


def _digest(names: Iterable[str]) -> str:
    """Return a checksum of names in any order, because a list of runs would keep many of them in memory."""
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()


def why_not_same(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> str | None:
    """Return why the windows of two runs, A and B, are not the same, or may not be; None if they are the same.

    Args:
        first: `window_facts` of A.
        second: `window_facts` of B.
    """
    for name, facts in (("A", first), ("B", second)):
        if facts is None:
            return f"{name} has no scores (run 'lstm evaluate')"
        if not facts["current"]:
            return f"the scores of {name} are of earlier data (run 'lstm train' and 'lstm evaluate' again)"
    assert first is not None
    assert second is not None
    if first["data"] != second["data"] and (reason := _why_other_data(first, second)):
        return reason
    for key, what in (("split", "split"), ("rows", "rows of the split"), ("windows", "number of windows")):
        if first[key] != second[key]:
            return f"the {what} differs: {first[key]} in A, {second[key]} in B"
    if first["series"] != second["series"]:
        return "the scored series differ"
    for metric in ("mae", "rmse"):
        errors = first["naive"].get(metric), second["naive"].get(metric)
        if None in errors or not math.isclose(*errors, rel_tol=TOLERANCE):
            return "the naive forecast has another error in B, so the true values or their bounds differ"
    return None


def _why_other_data(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    """Return why the true values differ, by the files and the settings of `prepare`; None if they do not."""
    if first["files"] != second["files"]:
        return "the data files differ"
    for key in ("targets", "horizon"):
        if first[key] != second[key]:
            return f"the {key} differ" if key == "targets" else "the horizon differs"
    ours, theirs = first["settings"], second["settings"]
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return f"prepare had another {', '.join(map(flag_name, names))}" if names else None
