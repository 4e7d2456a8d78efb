"""Layout of a run directory: the artifacts, their files and formats, and the step that makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "run.json"
MANIFEST_TEMPORARY = "run.json.tmp"
MANIFEST_BROKEN = "run.json.broken"  # copy of a corrupt manifest, made by `prepare --force`
LOCK = ".lock"
CHECKPOINT = "checkpoint"  # state of a training in progress; see `checkpoint`
# For people and other programs: steps never read or remove files in these folders.
EXPORTS = "exports"
LOGS = "logs"
LEDGER = "ledger"  # recorded forecasts and what came true; see `ledger`
SCRATCH = "scratch"  # subfolder of a new numbered folder for temporary files; never committed


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """Kind of output that a step writes into a numbered folder of the run."""

    name: str  # name of its folder in the run directory
    title: str  # name in messages
    is_or_are: str = "is"  # verb after the title
    made_by: str  # verb of the step that makes it
    meaning: str  # description as a phrase
    files: Mapping[str, str]  # file name -> content and format; some files are optional


ARTIFACTS: Mapping[str, Artifact] = {
    artifact.name: artifact
    for artifact in (
        Artifact(
            name="data",
            title="prepared data",
            made_by="prepare",
            meaning="scaled values on the time grid",
            files={
                "values.npy": "scaled values, float32 [T, F], all series concatenated, memory-mapped",
                "measured.npy": "bit mask of the measured cells, uint8",
                "schema.json": "columns and their roles, frequency, lookback, horizon, seasons",
                "series.json": "per series: name, first time, number of rows, offset, split rows",
                "scaler.json": "scaling parameters per series and column",
                "training.json": "statistics of the training rows per series: deviation, seasonal error, range",
                "short_series.json": "series too short for training: name, times, last season of targets (optional)",
                "short_rows.npy": "rows of these series in the units of the file, float64 [T, columns] (optional)",
                "sequences.json": "ids, lengths, labels and splits of labelled sequences (task classify only)",
                "vocabulary.json": "tokens of labelled documents (task classify with --text)",
                "tokens.npy": "numbers of the tokens of a text, uint8 to int32 (task generate only)",
                "text.json": "vocabulary and splits of a text (task generate only)",
                "outliers.json": "values that `--outliers drop` removed: row, column, value (optional)",
            },
        ),
        Artifact(
            name="model",
            title="trained model",
            made_by="train",
            meaning="the trained model, complete in itself",
            files={
                "weights.safetensors": "weights",
                "model.json": "name and settings of the model",
                "schema.json": "columns and their roles, frequency, lookback, horizon, seasons",
                "series.json": "per series: name and time grid",
                "scaler.json": "scaling parameters of the inputs",
                "training.json": "statistics of the training rows per series",
                "linear.safetensors": "linear forecast: a baseline, and the starting point of `segment`",
                "simple.json": "logistic regression on statistics of sequences or TF-IDF of documents (task classify)",
                "vocabulary.json": "tokens of a text and their numbers (task generate, and classify with --text)",
                "history.jsonl": "losses, one line per epoch",
                "model.onnx": "fp32 graph that `predict` runs",
                "validated.onnx": "fp32 graph before a refit, used for validation scores",
                "validated.safetensors": "weights of the networks before a refit, for `train --from`",
                "validated_linear.safetensors": "linear forecast before a refit, used for validation scores",
                "intervals.json": "calibrated quantiles, which give the prediction intervals",
                "step_correlations.npy": "correlations between the errors at two steps, for sample paths, float32",
                "target_correlations.npy": "the same between two targets, if there are 2 to 256",
            },
        ),
        Artifact(
            name="tune",
            title="search",
            made_by="tune",
            meaning="the hyperparameter search, committed after each trial",
            files={
                "trials.jsonl": "one line per trial: settings, seed, history, metrics, seconds, state",
                "importance.png": "importance of the searched settings, and each against the validation score",
            },
        ),
        Artifact(
            name="quantized",
            title="quantized model",
            made_by="quantize",
            meaning="the model with int8 or fp16 weights",
            files={
                "model.onnx": "int8 or fp16 graph",
                "comparison.json": "size, error and quantile scores compared with the fp32 graph",
            },
        ),
        Artifact(
            name="scores",
            title="scores",
            is_or_are="are",
            made_by="evaluate",
            meaning="errors of the model and of the baselines",
            files={
                "scores.json": "all scores",
                "per_step.csv": "errors per step ahead",
                "per_target.csv": "errors per target",
                "per_series.csv": "errors per series",
                "per_class.csv": "precision, recall and F1 of each class (task classify only)",
                "confusion.csv": "confusion matrix (task classify only)",
                "confusion.png": "plot of the confusion matrix (task classify only)",
                "losses.csv": "bits per character along the text (task generate only)",
                "losses.png": "plot of the bits per character along the text (task generate only)",
                "origin_errors.npy": "errors of the model and of seasonal naive from each origin, for `lstm score`",
                "forecasts.png": "plot of the best, median, worst and newest window",
            },
        ),
    )
}

STEPS: tuple[str, ...] = tuple(artifact.made_by for artifact in ARTIFACTS.values())

OF_MODEL = ("train", "quantize")  # steps whose entries are kept with an earlier version of the model


def command(step: str, run: Path | str) -> str:
    """Return the command line that runs a step on a run, for use in hints.

    >>> command("train", "runs/load"), command("prepare", "my run")
    ('lstm train runs/load', 'lstm prepare DATA "my run"')
    """
    import shlex

    data, path = "DATA " if step == "prepare" else "", str(run)
    quoted = shlex.quote(path)
    if quoted != path and not set(path) & set("\"'$`\\!"):
        quoted = f'"{path}"'  # hints are in single quotes
    return f"lstm {step} {data}{quoted}"


def layout_table() -> str:
    """Return the Markdown table of the run directory for README.md."""
    rows = [
        (
            MANIFEST,
            "every step",
            "manifest: settings, files read and written (size, sha256), versions, reports",
        )
    ]
    for artifact in ARTIFACTS.values():
        rows.append((f"{artifact.name}/0001/", f"`lstm {artifact.made_by}`", artifact.meaning))
        rows += [(f"{artifact.name}/0001/{file}", "", meaning) for file, meaning in artifact.files.items()]
    rows.append(
        (f"{CHECKPOINT}/", "`lstm train`", "state of a training in progress, removed when it has completed")
    )
    rows.append(
        (
            f"{LEDGER}/",
            "`lstm predict --record`, `lstm refresh`",
            "forecasts, one file each (read by `lstm score` and `lstm refresh` only)",
        )
    )
    rows.append(
        (
            f"{LEDGER}/*.actual",
            "`lstm score`, `lstm refresh`",
            "the measured values of a forecast that came true",
        )
    )
    rows.append((f"{EXPORTS}/", "`lstm export`", "files for other programs (not read by steps)"))
    rows.append((f"{LOGS}/", "`lstm train`", "logs for TensorBoard, W&B and people (not read by steps)"))
    lines = ["| path | made by | content |", "| --- | --- | --- |"]
    lines += [f"| `{path}` | {maker} | {meaning} |" for path, maker, meaning in rows]
    return "\n".join(lines) + "\n"
