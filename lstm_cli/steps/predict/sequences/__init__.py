"""Work of `predict` on labelled sequences: the class and the probabilities of each sequence. It needs no torch."""

import csv
import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.config.text import PLAIN_TEXT, TextSettings
from lstm_cli.config.validators import restore_settings
from lstm_cli.data.forecast.output import output_format
from lstm_cli.data.locations import quote_names
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.data.spreadsheet_safety import escape_formula
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_classifier import TrainedClassifier, load_classifier
from lstm_cli.rundir import Run, check_output, open_run, replace_file, stale_sources
from lstm_cli.sequences.build import join_tokens
from lstm_cli.sequences.dataset import UNKNOWN, SequenceData
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.predict.sequences.documents import have_same_vocabulary, read_new_documents
from lstm_cli.steps.predict.sequences.table import PredictedClasses, header_of
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.sequences.memory import require_sequence_scoring
from lstm_cli.steps.shared.sequences.reading import (
    ReadSequences,
    is_ts,
    read_sequence_table,
    read_ts_files,
    require_filling,
    scale_read,
)
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.tasks.settle import require_own_options
from lstm_cli.wording import count_noun

Warn = Callable[[Finding], None]
DIGITS = 6  # decimals of a probability


@dataclass(frozen=True, kw_only=True)
class PredictSequencesReport:
    """Report of `predict` on labelled sequences."""

    run: str
    task: str
    output: str
    format: str
    precision: str  # of the classifier
    sequences: int
    classes: dict[str, int]  # sequences that got each class
    cut: int  # sequences that are longer than the model reads
    seconds: dict[str, float]  # by stage: read, model, write
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def predict_sequences(
    run: Path,
    new: str | None,
    config: PredictConfig,
    listen: Listener,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    receive: Callable[[PredictedClasses], None] | None = None,
) -> PredictSequencesReport:
    """Classify sequences and write them to config.output.

    Args:
        run: run directory.
        new: file with sequences, `-` for standard input; None for all sequences of the run.
        config: settings of `predict`; output `-` is standard output.
        listen: receives events.
        stdin: stream behind `-`.
        stdout: stream for output `-`.
        receive: gets the classes, which are then not written; None writes them.

    Raises:
        MissingArtifact, StaleArtifact: the run has no model of the precision, or it is out of date.
        DataError: new sequences do not fit the model.
        OutputError, UsageError: the output cannot be written, or an option belongs to another task.
    """
    began = time.perf_counter()
    require_own_options(CLASSIFY, "predict", config)
    if config.output != "-":
        check_output(config.output, run=run, sources=(new,))
    format = output_format(config.output, config.format)
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        opened.require("model")
        require_sequence_scoring(opened, doing="classifying the sequences")
        model = load_classifier(opened, threads=config.threads, precision=config.precision)
        data, cut = (
            _own_data(opened, model, warn)
            if new is None
            else load_new_sequences(new, model, config.text_settings.over(stored_text(opened)), stdin, warn)
        )
    ready = time.perf_counter()
    probabilities, _ = model.session(data)
    classified = time.perf_counter()
    predicted = PredictedClasses(schema=model.schema, names=data.names, probabilities=probabilities)
    encoded = b"" if receive is not None else ENCODERS[format](predicted)
    if receive is not None:
        receive(predicted)
    elif config.output == "-":
        assert stdout is not None
        stdout.write(encoded)
        stdout.flush()
    else:
        replace_file(config.output, [encoded])
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(model.schema.classes))
    return PredictSequencesReport(
        run=str(run),
        task=CLASSIFY.name,
        output=config.output,
        format=format,
        precision=model.precision,
        sequences=len(data.names),
        classes={name: int(count) for name, count in zip(model.schema.classes, counts, strict=True)},
        cut=cut,
        seconds={
            "read": round(ready - began, 4),
            "model": round(classified - ready, 4),
            "write": round(time.perf_counter() - classified, 4),
        },
        **finding_fields(findings),
    )


def _own_data(run: Run, model: TrainedClassifier, warn: Warn) -> tuple[SequenceData, int]:
    """Return the sequences of the run in the scaling of the model."""
    data = load_data(run)
    if stale_sources(run, "model"):
        of_tokens = data.schema.tokens or model.schema.tokens
        if data.schema.columns != model.schema.columns or (of_tokens and not have_same_vocabulary(run)):
            raise DataError(
                f"the data have {'another vocabulary' if of_tokens else 'other columns'} than the model",
                hint=f"train again: 'lstm train {run.path}'",
                rule="D845",
                at=in_file(str(run.path)),
            )
        text = f"the model of {run.path} is out of date: the data changed after training ('lstm train' trains it again)"
        warn(Finding(rule="M102", kind=MODEL, text=text))
        if not of_tokens:
            in_units = data.values * data.scaler.scale + data.scaler.center
            data = replace(data, values=model.scaler.transform(in_units))
    cut = int((data.lengths > model.schema.max_length).sum())
    return _cut(data, model), cut


def _cut(data: SequenceData, model: TrainedClassifier) -> SequenceData:
    """Return the sequences with at most the steps that the model reads, and its schema."""
    kept = np.minimum(data.lengths, model.schema.max_length)
    steps = np.arange(len(data.values)) - np.repeat(data.offsets, data.lengths)
    return replace(
        data,
        schema=model.schema,
        scaler=model.scaler,
        values=data.values[steps < np.repeat(kept, data.lengths)],
        lengths=kept,
        labels=np.full(len(kept), UNKNOWN),
    )


def stored_text(run: Run) -> TextSettings:
    """Return how the text of the run's own file is read."""
    if not run.has("data"):
        return PLAIN_TEXT
    return restore_settings(ClassifyPrepareConfig, run.entry("prepare")["config"]).text_settings


def load_new_sequences(
    new: str, model: TrainedClassifier, text: TextSettings, stdin: BinaryIO | None, warn: Warn
) -> tuple[SequenceData, int]:
    """Return the sequences of a file in the scaling of the model, and how many of them are cut.

    Args:
        new: file, `-` for standard input, or bytes in memory.
        model: trained classifier.
        text: how text is read.
        stdin: standard input.
        warn: receives warnings.

    Raises:
        DataError: the sequences cannot be read, or do not fit the model.
    """
    return scale_new_sequences(_read(new, model, text, stdin, warn), model, warn)


def scale_new_sequences(
    read: ReadSequences, model: TrainedClassifier, warn: Warn
) -> tuple[SequenceData, int]:
    """Return new sequences in the scaling of the model, and how many of them are cut.

    Args:
        read: sequences with the columns of the model.
        model: trained classifier.
        warn: receives warnings.

    Raises:
        DataError: a value is too large, or a value is missing and the run refuses missing values.
    """
    schema = model.schema
    for finding in read.findings:
        warn(finding)
    filled = require_filling(read, schema.missing)
    if filled:
        text = f"{count_noun(filled, 'missing value')} filled, as in the run (prepare --missing {schema.missing})"
        warn(Finding.at(in_file(read.source), "D664", text, count=filled, flags=("--missing",)))
    lengths = np.array([len(values) for values in read.raw.values])
    cut = int((lengths > schema.max_length).sum())
    if cut:
        noun, step = ("document", "token") if schema.tokens else ("sequence", "step")
        text = (
            f"{count_noun(cut, noun)} of {len(lengths):,} are longer than the {schema.max_length} {step}s that the "
            f"model reads, the later {step}s are cut (prepare --max-length N reads more)"
        )
        warn(Finding.at(in_file(read.source), "D661", text, count=cut, flags=("--max-length",)))
    if schema.tokens:
        values, kept = join_tokens(read.raw.values, max_length=schema.max_length)
    else:
        values, kept = scale_read(read, model.scaler, max_length=schema.max_length, missing=schema.missing)
    count = len(kept)
    data = SequenceData(
        schema=schema,
        scaler=model.scaler,
        values=values,
        lengths=kept,
        labels=np.full(count, UNKNOWN),
        names=read.raw.names,
        split=np.zeros(count, dtype=np.int64),
    )
    return data, cut


def _read(
    new: str, model: TrainedClassifier, text: TextSettings, stdin: BinaryIO | None, warn: Warn
) -> ReadSequences:
    schema = model.schema
    paths = expand_paths(new)
    if model.vocabulary is not None:
        return read_new_documents(paths, model.vocabulary, schema, text, stdin=stdin, warn=warn)
    if is_ts(paths):
        read = read_ts_files(paths, labelled=False)
        if len(read.raw.columns) != len(schema.columns):
            raise DataError(
                f"{len(read.raw.columns)} columns, but the model reads {len(schema.columns)}",
                hint="give a file of the same data set",
                rule="D845",
                at=in_file(read.source),
            )
        if schema.sequence is not None:
            text_ = (
                f"a .ts file has no column names, so its columns are read as {quote_names(schema.columns)}"
            )
            warn(Finding.at(in_file(read.source), "D261", text_, count=len(schema.columns)))
        return read
    if schema.sequence is None:
        raise DataError(
            "the run was made from .ts files, so new sequences are .ts files too",
            hint="write them as a .ts file",
            rule="D845",
            at=in_file(new),
        )
    try:
        return read_sequence_table(
            paths,
            sequence=schema.sequence,
            label=None,
            group=None,
            values=schema.columns,
            time=schema.time,
            text=text,
            stdin=stdin,
        )
    except DataError as error:
        if error.rule == "D202":  # `predict` has no options for columns
            needed = ", ".join((schema.sequence, *schema.time, *schema.columns))
            error.message = re.sub(r" \(--[a-z]+\)", ", which the model needs,", error.message, count=1)
            error.hint = f"use the column names of the run: {needed}"
            error.flags = ()
        raise


def _rows(predicted: PredictedClasses) -> list[list[str]]:
    """Return the cells of the table as text."""
    classes, probabilities = predicted.schema.classes, predicted.probabilities
    return [
        [name, classes[int(row.argmax())], *(f"{value:.{DIGITS}f}" for value in row)]
        for name, row in zip(predicted.names, probabilities, strict=True)
    ]


def _csv(predicted: PredictedClasses) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_formula(name) for name in header_of(predicted.schema)])
    rows = _rows(predicted)
    writer.writerows([[escape_formula(row[0]), escape_formula(row[1]), *row[2:]] for row in rows])
    return text.getvalue().encode()


def _json(predicted: PredictedClasses) -> bytes:
    objects = [
        {
            "sequence": row[0],
            "predicted": row[1],
            "probabilities": dict(zip(predicted.schema.classes, map(float, row[2:]), strict=True)),
        }
        for row in _rows(predicted)
    ]
    return (json.dumps(objects, ensure_ascii=False) + "\n").encode()


ENCODERS = {"csv": _csv, "json": _json, "parquet": PredictedClasses.parquet}
