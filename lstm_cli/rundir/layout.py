"""The one table of a run directory: every artifact, its files, their formats, and who makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "run.json"
MANIFEST_TEMPORARY = "run.json.tmp"
MANIFEST_BROKEN = "run.json.broken"  # an unreadable manifest that `prepare --force` set aside
LOCK = ".lock"
CHECKPOINT = "checkpoint"  # a training in progress, which no other file rests on; see `checkpoint`
# For people and other programs: nothing in these folders is ever read by a step, or removed.
EXPORTS = "exports"
LOGS = "logs"
SCRATCH = (
    "scratch"  # a subfolder of a new numbered folder for what a library writes on the way; never committed
)


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One kind of thing that a step leaves in the run, whole in its numbered folder."""

    name: str  # its folder in the run directory
    title: str  # how messages name it
    made_by: str  # the verb that makes it
    meaning: str  # what it is for, in one phrase
    files: Mapping[str, str]  # file name -> what it holds and how; a step need not write all of them


ARTIFACTS: Mapping[str, Artifact] = {
    artifact.name: artifact
    for artifact in (
        Artifact(
            name="data",
            title="prepared data",
            made_by="prepare",
            meaning="scaled values on the time grid",
            files={
                "values.npy": "scaled values, float32 [T, F], series one after the other, memory-mapped",
                "measured.npy": "which cells were measured, a bit mask, uint8",
                "schema.json": "columns and their parts, time step, lookback, horizon, seasons",
                "series.json": "per series: name, first time, count, offset, split rows",
                "scaler.json": "how values were scaled, per series and column",
                "training.json": "of each series' training rows: deviation, seasonal error, range",
                "outliers.json": "cells that `--outliers drop` emptied: row, column, value; absent if there are none",
            },
        ),
        Artifact(
            name="model",
            title="trained model",
            made_by="train",
            meaning="the trained model, whole in itself",
            files={
                "weights.safetensors": "weights",
                "model.json": "the model's name and settings",
                "schema.json": "columns and their parts, time step, lookback, horizon, seasons",
                "series.json": "per series: name and time grid",
                "scaler.json": "how its inputs are scaled",
                "training.json": "what its training rows say of each series",
                "linear.safetensors": "the linear forecast it is held against, and that `segment` starts at",
                "history.jsonl": "losses, one line an epoch",
                "model.onnx": "the fp32 graph that `predict` runs",
                "validated.onnx": "that graph before a refit, which the scores on validation rows speak of",
                "validated_linear.safetensors": "the linear forecast, likewise",
                "intervals.json": "what makes prediction intervals of a forecast",
            },
        ),
        Artifact(
            name="tune",
            title="search",
            made_by="tune",
            meaning="the search for settings, committed anew after each trial",
            files={
                "trials.jsonl": "a line a trial: settings, seed, history, metrics, seconds, state",
                "importance.png": "each searched setting against the validation score",
            },
        ),
        Artifact(
            name="quantized",
            title="quantised model",
            made_by="quantize",
            meaning="the smaller model",
            files={
                "model.onnx": "the int8 or fp16 graph",
                "comparison.json": "size, latency and error beside the fp32 graph",
            },
        ),
        Artifact(
            name="scores",
            title="scores",
            made_by="evaluate",
            meaning="errors beside those of simple forecasts",
            files={
                "scores.json": "every figure",
                "per_step.csv": "errors per step ahead",
                "per_target.csv": "errors per target",
                "per_series.csv": "errors per series",
                "forecasts.png": "forecasts against the truth",
            },
        ),
    )
}

STEPS: tuple[str, ...] = tuple(artifact.made_by for artifact in ARTIFACTS.values())


def command(step: str, run: Path | str) -> str:
    """Return the command line that runs `step` on `run`, for a hint to quote.

    >>> command("train", "runs/load"), command("prepare", "my run")
    ('lstm train runs/load', 'lstm prepare DATA "my run"')
    """
    import shlex

    data, path = "DATA " if step == "prepare" else "", str(run)
    quoted = shlex.quote(path)
    if quoted != path and not set(path) & set("\"'$`\\!"):
        quoted = f'"{path}"'  # hints stand in single quotes themselves
    return f"lstm {step} {data}{quoted}"


def layout_table() -> str:
    """The run directory as README's Markdown table."""
    rows = [
        (
            MANIFEST,
            "every step",
            "the manifest: settings, what was read and written (size, sha256), versions, reports",
        )
    ]
    for artifact in ARTIFACTS.values():
        rows.append((f"{artifact.name}/0001/", f"`lstm {artifact.made_by}`", artifact.meaning))
        rows += [(f"{artifact.name}/0001/{file}", "", meaning) for file, meaning in artifact.files.items()]
    rows.append((f"{CHECKPOINT}/", "`lstm train`", "a training in progress; gone when it has completed"))
    rows.append((f"{EXPORTS}/", "`lstm export`", "files for other programs; no step reads them"))
    rows.append((f"{LOGS}/", "`lstm train`", "for TensorBoard, W&B and people; likewise"))
    lines = ["| path | made by | what it holds |", "| --- | --- | --- |"]
    lines += [f"| `{path}` | {maker} | {meaning} |" for path, maker, meaning in rows]
    return "\n".join(lines) + "\n"
