"""Work of `check` on labelled sequences and documents: it reads and splits them as `prepare` would."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config.arguments import arguments
from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.data.quality.leakage import column_findings
from lstm_cli.data.quality.profile import FileProfile, profile_files
from lstm_cli.data.reading.source import STDIN, read_pipes
from lstm_cli.errors import DataError, LstmError, UsageError
from lstm_cli.events import Listener, Progressed
from lstm_cli.findings import NOTE, SEVERITIES, Finding, in_file
from lstm_cli.rundir import replace_file
from lstm_cli.steps.check.inspect import refusal
from lstm_cli.steps.prepare.sequences import (
    AssembledSequences,
    assemble_sequences,
    length_facts,
    read_sequences,
)
from lstm_cli.steps.shared.plot_output import TERMINAL, plot_format
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.steps.shared.sequences.reading import ReadSequences, is_ts
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.wording import count_noun

FEW_SEQUENCES = 20  # of a class, below which it is small
IMBALANCE = 10.0  # largest class through smallest class, from which the smallest is small
FEWEST_STEPS = 10  # between rows, from which a column counts the steps


@dataclass(frozen=True, kw_only=True)
class CheckSequencesReport(HtmlReport):
    """Contents of files with labelled sequences, and the result of `prepare`; a field is None if it is not known."""

    source: str
    task: str
    rows: int | None  # steps in the file, or documents
    columns: list[dict[str, Any]]  # name, reads_as, part, missing, first_missing, value, least, greatest
    count: int | None  # sequences
    labels: dict[str, int] | None  # sequences with each label
    imbalance: float | None  # sequences of the largest class through those of the smallest
    lengths: (
        dict[str, float] | None
    )  # steps of a sequence, or tokens of a document: shortest, median, longest
    sequences: dict[str, int] | None  # in each split
    classes: dict[str, dict[str, int]] | None  # sequences of each class in each split
    max_length: int | None
    cut: int | None
    filled: int | None
    duplicates: int | None
    split_by: str | None
    tokens: str | None = None  # kind of the tokens of documents
    vocabulary: int | None = None  # number of their different tokens
    findings: list[dict[str, Any]]
    refused: dict[str, Any] | None  # message and hint of `prepare`
    next: str | None  # command that prepares the files
    picture: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("tokens", "vocabulary"))


@dataclass(kw_only=True)
class SequenceCheck:
    """Facts about files; a field is None if `prepare` would stop before it is known."""

    source: str
    profile: FileProfile | None = None  # None for `.ts` files
    read: ReadSequences | None = None
    assembled: AssembledSequences | None = None
    refused: LstmError | None = None

    @property
    def has_lengths(self) -> bool:
        """Return whether the lengths are known; documents have none before they are split and encoded."""
        return self.assembled is not None or (self.read is not None and not self.read.texts)


def check_sequences(
    paths: Sequence[str],
    config: ClassifyPrepareConfig,
    listen: Listener,
    *,
    plot: str | None,
    stdin: BinaryIO | None,
) -> CheckSequencesReport:
    """Read labelled sequences as `prepare` would, and return a report.

    Args:
        paths: data files; `-` is standard input.
        config: settings of `prepare`.
        listen: receives progress events.
        plot: path of the picture; None draws nothing.
        stdin: standard input, read for `-`.

    Raises:
        LstmError: the error that `prepare` would raise, with the report of the known facts.
        UsageError: a setting is missing or invalid.
    """
    if plot == TERMINAL:
        raise UsageError(
            "--plot - draws time series, but these are labelled sequences",
            hint="name a file: --plot check.png",
            flag="--plot",
        )
    given, paths = tuple(paths), read_pipes(paths, stdin)
    state = _inspect(paths, config, listen, stdin)
    picture = None
    if plot is not None and state.has_lengths:
        listen(Progressed(stage="drawing", done=0))
        assert state.read is not None
        replace_file(plot, [_picture(state.read, state.assembled, plot)])
        picture = plot
    report = _report(state, config, given, picture)
    if state.refused is not None:
        state.refused.report = report
        raise state.refused
    return report


def _inspect(
    paths: Sequence[str], config: ClassifyPrepareConfig, listen: Listener, stdin: BinaryIO | None
) -> SequenceCheck:
    """Return all facts. Raise DataError if a file holds no table, UsageError for a setting that is always wrong."""
    of_documents = config.text is not None
    profile = (
        None
        if is_ts(paths) and not of_documents
        else profile_files(paths, text=config.text_settings, stdin=stdin, several_lines_ok=of_documents)
    )
    state = SequenceCheck(source="" if profile is None else profile.source, profile=profile)
    try:
        state.read = read_sequences(paths, config, stdin, listen)
        state.source = state.read.source
        state.assembled = assemble_sequences(state.read, config, paths, listen)
    except UsageError:
        raise
    except LstmError as error:
        if not state.source:  # a `.ts` file that cannot be read has no known facts
            raise
        state.refused = error
    return state


def _report(
    state: SequenceCheck, config: ClassifyPrepareConfig, paths: Sequence[str], picture: str | None
) -> CheckSequencesReport:
    read, assembled, refused = state.read, state.assembled, state.refused
    labels = None if read is None else _label_counts(read)
    unknown = (
        "sequences",
        "classes",
        "max_length",
        "cut",
        "filled",
        "duplicates",
        "split_by",
        "lengths",
        "vocabulary",
    )
    facts = dict.fromkeys(unknown) if assembled is None else assembled.facts()
    facts["tokens"] = None if config.text is None else config.tokens
    if read is not None and not read.texts:
        facts["lengths"] = length_facts(np.array([len(values) for values in read.raw.values]))
    rows = state.profile.rows if state.profile is not None else None
    return CheckSequencesReport(
        source=state.source,
        task=CLASSIFY.name,
        rows=rows if read is None else read.rows,
        columns=_columns(state, config),
        count=None if read is None else len(read.raw.names),
        labels=labels,
        imbalance=None if labels is None else round(max(labels.values()) / min(labels.values()), 2),
        findings=[finding.to_dict() for finding in _findings(state, config, labels)],
        refused=None if refused is None else {"message": refused.message, "hint": refused.hint},
        next=None if refused is not None else _next(paths, config),
        picture=picture,
        **facts,
    )


def _label_counts(read: ReadSequences) -> dict[str, int]:
    """Return the number of sequences with each label, the most frequent first."""
    return dict(Counter(read.raw.labels).most_common())


def _next(paths: Sequence[str], config: ClassifyPrepareConfig) -> str | None:
    """Return the command that prepares these files; None for a DataFrame."""
    if not all(path == STDIN or Path(path).exists() for path in paths):
        return None
    words = ["lstm", "prepare", *map(str, paths), "RUN", *arguments(ClassifyPrepareConfig, asdict(config))]
    return shlex.join(words)


def _columns(state: SequenceCheck, config: ClassifyPrepareConfig) -> list[dict[str, Any]]:
    """Return the columns of the file, as the report of a forecast has them."""
    if state.profile is None:
        return [] if state.read is None else _value_columns(state.read)
    values = config.value if state.read is None else state.read.raw.columns
    roles = dict.fromkeys(values, "value") | dict.fromkeys(config.time, "time")
    named = (
        *(("sequence", config.sequence), ("label", config.label), ("group", config.group)),
        ("text", config.text),
    )
    roles |= {name: role for role, name in named if name is not None}
    return [
        {
            "name": column.name,
            "reads_as": column.reads_as,
            "part": roles.get(column.name),
            "missing": column.missing,
            "first_missing": column.first_missing,
            "value": column.constant,
            "least": column.min_value,
            "greatest": column.max_value,
        }
        for column in state.profile.columns
    ]


def _value_columns(read: ReadSequences) -> list[dict[str, Any]]:
    """Return the columns of `.ts` files, which have values only."""
    values = np.concatenate(read.raw.values)
    rows = []
    for index, name in enumerate(read.raw.columns):
        known = values[~np.isnan(values[:, index]), index]
        same = len(known) > 0 and bool((known == known[0]).all())
        rows.append(
            {
                "name": name,
                "reads_as": "empty" if not len(known) else "constant" if same else "number",
                "part": "value",
                "missing": len(values) - len(known),
                "first_missing": None,  # a line holds a whole sequence
                "value": f"{known[0]:g}" if same else None,
                "least": float(known.min()) if len(known) else None,
                "greatest": float(known.max()) if len(known) else None,
            }
        )
    return rows


def _findings(
    state: SequenceCheck, config: ClassifyPrepareConfig, labels: dict[str, int] | None
) -> list[Finding]:
    """Return the findings of `prepare` and the notes about columns and classes, errors first."""
    found = [] if state.refused is None else [refusal(state.refused, state.source)]
    if state.assembled is not None:
        found += state.assembled.findings
    elif state.read is not None:
        found += state.read.findings
    if labels is not None:
        found += _small_class(labels, state.source, "sequence" if config.text is None else "document")
    if state.read is not None and not config.time and not state.read.texts:
        found += _step_numbers(state.read)
    if state.profile is not None and config.text is None:
        roles = tuple(name for name in (config.sequence, config.label, config.group, *config.time) if name)
        found += column_findings(state.profile, roles, readers=("--value",))
    elif state.profile is None and state.read is not None:
        found += _constant_columns(state.read)
    cell = state.refused.at if isinstance(state.refused, DataError) else None
    place = None if cell is None or not cell.lines else (cell.column, cell.lines[0])
    shown = [
        finding
        for finding in found
        if finding.severity != NOTE or not finding.lines or (finding.column, finding.lines[0]) != place
    ]
    return sorted(shown, key=lambda finding: SEVERITIES.index(finding.severity))


def _small_class(labels: dict[str, int], source: str, noun: str) -> list[Finding]:
    """Return the note about the smallest class if it has few sequences or documents."""
    largest, smallest = max(labels, key=labels.__getitem__), min(labels, key=labels.__getitem__)
    few, ratio = labels[smallest] < FEW_SEQUENCES, labels[largest] / labels[smallest]
    if len(labels) < 2 or not (few or ratio >= IMBALANCE):
        return []
    others = f", and class '{largest}' has {labels[largest]:,}" if ratio > 1 else ""
    text = (
        f"class '{smallest}' has only {count_noun(labels[smallest], noun)}{others}: its scores vary much (use "
        f"more {noun}s of it, or train with --class-weights balanced)"
    )
    return [
        Finding.at(
            in_file(source),
            "D713",
            text,
            severity=NOTE,
            kind="classes",
            count=labels[smallest],
            flags=("--label",),
        )
    ]


def _step_numbers(read: ReadSequences) -> list[Finding]:
    """Return a note about each value column that counts the steps of every sequence."""
    found = []
    for index, name in enumerate(read.raw.columns):
        counted = [np.diff(values[:, index]) for values in read.raw.values]
        if sum(map(len, counted)) >= FEWEST_STEPS and all((steps == 1).all() for steps in counted):
            at = replace(in_file(read.source), text=f"{read.source}, column '{name}'", column=name)
            text = (
                f"the column counts the steps, and the model reads it as a value (--time {name} orders the steps by "
                "it; --value names the columns to read)"
            )
            found.append(
                Finding.at(at, "D714", text, severity=NOTE, kind="step-number", flags=("--time", "--value"))
            )
    return found


def _constant_columns(read: ReadSequences) -> list[Finding]:
    """Return a note about each column of `.ts` files that is constant or empty."""
    found = []
    for column in _value_columns(read):
        if column["reads_as"] == "number":
            continue
        rule, text = "D702", f"the column is constant (all values are {column['value']})"
        if column["reads_as"] == "empty":
            rule, text = "D709", f"the column is empty ({count_noun(column['missing'], 'missing value')})"
        at = replace(
            in_file(read.source), text=f"{read.source}, column '{column['name']}'", column=column["name"]
        )
        found.append(Finding.at(at, rule, text, severity=NOTE, kind=column["reads_as"]))
    return found


def _picture(read: ReadSequences, assembled: AssembledSequences | None, plot: str) -> bytes:
    from lstm_cli.plots.sequences import draw_sequences

    if assembled is None:
        steps = np.array([len(values) for values in read.raw.values])
        counts = {label: {"all": count} for label, count in _label_counts(read).items()}
        return draw_sequences(steps, None, counts, format=plot_format(plot))
    titles = {"train": "train", "val": "validation", "test": "test"}
    counts = {
        label: {titles[name]: count for name, count in splits.items()}
        for label, splits in assembled.facts()["classes"].items()
    }
    return draw_sequences(
        assembled.steps,
        assembled.data.schema.max_length,
        counts,
        format=plot_format(plot),
        of_documents=bool(read.texts),
    )
