"""Reading of sequences from CSV, Parquet and `.ts` files, for `prepare` and `predict`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config.text import NO_TIMES, TextSettings
from lstm_cli.data.locations import LocationFormatter, dataset_name, quote_name
from lstm_cli.data.quality.overflow import MAX_VALUE
from lstm_cli.data.reading.columns.series_names import split_names
from lstm_cli.data.reading.source import open_source, read_pipes
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import Listener, ignore_events
from lstm_cli.findings import Finding, in_file
from lstm_cli.sequences.build import RawSequences, group_rows, scale_sequences
from lstm_cli.sequences.dataset import SequenceScaler
from lstm_cli.sequences.ts_file import read_ts
from lstm_cli.tasks.records import TS_ENDING
from lstm_cli.wording import count_noun

MAX_SCALED = 1e15  # the squares of a sequence have a finite sum in 32-bit floats
NOT_TIMES = frozenset(("D401", "D405", "D406", "D407"))  # errors of numbers with a fraction, read as times
# Findings about series names and options of a forecast, which sequences do not have.
NOT_OF_SEQUENCES = frozenset(("D204", "D214", "D220"))


@dataclass(frozen=True, kw_only=True)
class ReadSequences:
    """Sequences of files, with the findings about them."""

    raw: RawSequences
    source: str  # name of the files in messages
    rows: int
    findings: tuple[Finding, ...]
    read: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # sha256 and size of each file
    files: tuple[int, ...] = ()  # number of the file of each sequence, for `.ts` files
    texts: tuple[str, ...] = ()  # documents, which have no values before they are encoded


def is_ts(paths: Sequence[str]) -> bool:
    """Return whether all files are `.ts` files. Raise UsageError if only some are."""
    endings = [str(path).lower().endswith(TS_ENDING) for path in paths]
    if any(endings) and not all(endings):
        raise UsageError(
            "a data set mixes .ts files and other files", hint="give only .ts files, or only CSV files"
        )
    return bool(endings) and all(endings)


def read_ts_files(paths: Sequence[str], *, labelled: bool) -> ReadSequences:
    """Return the sequences of `.ts` files.

    Args:
        paths: files.
        labelled: whether the sequences need labels.

    Raises:
        DataError: a file is not valid.
    """
    parts, read = [], {}
    for path in paths:
        with open_source(path) as opened:
            content = b"".join(opened.blocks)
            read[path] = opened.reader.checksum_and_size()
        parts.append(read_ts(Path(path), content, labelled=labelled))
        if parts[-1].columns != parts[0].columns:
            raise DataError(
                f"{len(parts[-1].columns)} columns, but {paths[0]} has {len(parts[0].columns)}",
                hint="give files of one data set",
                rule="D160",
                at=in_file(path),
            )
    several = len(parts) > 1
    raw = RawSequences(
        columns=parts[0].columns,
        values=[values for part in parts for values in part.values],
        names=tuple(
            f"{Path(path).stem}/{name}" if several else name
            for path, part in zip(paths, parts, strict=True)
            for name in part.names
        ),
        labels=tuple(label for part in parts for label in part.labels),
    )
    return ReadSequences(
        raw=raw,
        source=dataset_name(paths),
        rows=sum(len(values) for values in raw.values),
        findings=(),
        read=read,
        files=tuple(number for number, part in enumerate(parts) for _ in part.names),
    )


def read_sequence_table(
    paths: Sequence[str],
    *,
    sequence: str,
    label: str | None,
    group: str | None,
    values: Sequence[str],
    time: Sequence[str],
    text: TextSettings,
    stdin: BinaryIO | None,
    listen: Listener = ignore_events,
) -> ReadSequences:
    """Return the sequences of a table with one row per step.

    Args:
        paths: files.
        sequence: column with the id of a sequence.
        label: column with the label; None for new data.
        group: column with the group of a sequence.
        values: value columns; () reads all numeric columns without another role.
        time: columns that order the steps; () keeps the order of the file.
        text: how text is read.
        stdin: standard input.
        listen: receives progress events.

    Raises:
        DataError: the rows cannot be read, the label or the group changes within a sequence, or a time is duplicate.
    """
    flags = {"--sequence": (sequence,), "--label": (label,), "--group": (group,), "--value": values}
    roles = [name for name in (sequence, label, group) if name is not None]
    if time:  # a second reading may follow
        paths = read_pipes(paths, stdin)

    def read(targets: Sequence[str], time: Sequence[str]) -> Table:
        return read_table(
            paths,
            targets=targets,
            time=time or (NO_TIMES,),
            series=roles,
            text=text,
            stdin=stdin,
            listen=listen,
            unmeasured_targets_ok=True,
        )

    try:
        table, times = _read_with_times(read, tuple(values), tuple(time), text)
    except DataError as error:
        _name_options(error, flags)
        raise
    locate = LocationFormatter(
        source=table.source, unit="line" if table.delimiter else "row", files=table.files
    )
    parts = split_names(table.series_names, len(roles))
    of_role = dict(zip(roles, parts, strict=True))
    codes, ids, firsts = _sequences_of(table, of_role[sequence], locate, of_role, sequence)
    _require_values(ids, sequence, table, locate, firsts)
    if label is not None:
        labels = [of_role[label][table.series[row]] for row in firsts]
        _require_values(labels, label, table, locate, firsts)
    grouped, unsorted, repeated = group_rows(codes, table.values, times)
    if len(repeated):
        row = int(repeated[0])
        raise DataError(
            f"duplicate time within sequence {quote_name(ids[codes[row]])}: "
            f"{count_noun(len(repeated), 'row')} in all",
            hint="correct the times, or leave out --time to keep the order of the file",
            rule="D254",
            at=locate.at(int(table.lines[row])),
            flags=("--time",),
        )
    findings = [finding for finding in table.findings if finding.rule not in NOT_OF_SEQUENCES]
    if unsorted:
        text_ = f"the steps of {count_noun(unsorted, 'sequence')} were sorted by time (leave out --time to keep them)"
        findings.append(Finding.at(in_file(table.source), "D255", text_, count=unsorted, flags=("--time",)))
    if not time:
        findings += _apart(codes, ids, table.source)
    return ReadSequences(
        raw=RawSequences(
            columns=table.columns,
            values=grouped,
            names=tuple(ids),
            labels=tuple(labels) if label is not None else ("",) * len(ids),
            groups=() if group is None else tuple(of_role[group][table.series[row]] for row in firsts),
        ),
        source=table.source,
        rows=len(table.lines),
        findings=tuple(findings),
        read=table.read,
    )


def _read_with_times(
    read: Callable[[Sequence[str], Sequence[str]], Table],
    values: tuple[str, ...],
    time: tuple[str, ...],
    text: TextSettings,
) -> tuple[Table, np.ndarray | None]:
    """Return a table, and the time [R] of each row; None without a time column.

    The clock of a sensor counts seconds with a fraction, which no other task reads as times. So one column that does
    not read as times is read again as numbers.

    Args:
        read: reads the table with these value columns and time columns.
        values: value columns; () for all numeric columns.
        time: time columns.
        text: how text is read.
    """
    try:
        table = read(values or ("*",), time)
        return table, table.times if time else None
    except DataError as error:
        if len(time) != 1 or text.time_format is not None or error.rule not in NOT_TIMES:
            raise
        try:
            table = read((*values, *time) if values else ("*",), ())
        except DataError as later:
            raise max(error, later, key=_line_of) from None  # the reading that came further
        times = _column(table, time[0])
        missing = np.flatnonzero(np.isnan(times))
        # Whole numbers may be dates such as 31122020, whose order is another one.
        if len(missing) == len(times) or not (times[~np.isnan(times)] % 1).any():
            raise
    if len(missing):
        locate = LocationFormatter(
            source=table.source, unit="line" if table.delimiter else "row", files=table.files
        )
        raise DataError(
            f"the time is missing in {count_noun(len(missing), 'row')}",
            hint="write the time, or leave out --time to keep the order of the file",
            rule="D405",
            at=locate.at(int(table.lines[missing[0]]), time[0]),
            flags=("--time",),
        )
    names = tuple(name for name in table.columns if name != time[0])
    kept = [table.columns.index(name) for name in names]
    return replace(table, columns=names, values=table.values[:, kept]), times


def _line_of(error: DataError) -> int:
    """Return the line of an error; 0 without one."""
    return error.at.lines[0] if error.at is not None and error.at.lines else 0


def _column(table: Table, name: str) -> np.ndarray:
    """Return the values [R] of a column; NaN if the table does not have it."""
    if name not in table.columns:
        return np.full(len(table.lines), np.nan)
    values: np.ndarray = table.values[:, table.columns.index(name)]
    return values


def _name_options(error: DataError, flags: Mapping[str, Sequence[str | None]]) -> None:
    """Change an error of the table reader so that it names the options of this task.

    Args:
        error: error.
        flags: columns of each option.
    """
    if error.rule == "D202":
        for flag, names in flags.items():
            for name in names:
                begin = f"column {quote_name((name or '').strip())} ("
                if name is not None and error.message.startswith(begin):
                    error.message = begin + flag + error.message[error.message.index(")", len(begin)) :]
                    error.flags = (flag,)
        error.hint = "use names of the header with --sequence, --label, --group, --value and --time"
    for other, flag in (("--target", "--value"), ("--series", "--sequence")):
        error.message = error.message.replace(other, flag)
        error.hint = error.hint.replace(other, flag)
        error.flags = tuple(flag if each == other else each for each in error.flags)
    if "--past" in error.hint:
        error.hint, error.flags = "name columns of numbers with --value", ("--value",)


def _apart(codes: np.ndarray, ids: Sequence[str], source: str) -> list[Finding]:
    """Return the warning about sequences whose rows are not next to each other, which may be two with one id.

    Args:
        codes: sequence [R] of each row.
        ids: id of each sequence.
        source: name of the files, for messages.
    """
    begins = codes[np.flatnonzero(np.diff(codes, prepend=-1))]
    apart = np.flatnonzero(np.bincount(begins) > 1)
    if not len(apart):
        return []
    text = (
        f"the rows of {count_noun(len(apart), 'sequence')} are not next to each other, first "
        f"{quote_name(ids[apart[0]])}: each is read as one sequence in the order of the file (--time COLUMN orders "
        "the steps; two sequences need two ids)"
    )
    return [Finding.at(in_file(source), "D256", text, count=len(apart), flags=("--time", "--sequence"))]


def require_filling(read: ReadSequences, method: str) -> int:
    """Return the number of missing values.

    Args:
        read: sequences.
        method: value of --missing.

    Raises:
        UsageError: sequences cannot be filled in this way.
        DataError: a value is missing, and the method is `refuse`.
    """
    if method == "season":
        raise UsageError(
            "--missing season needs a season, which labelled sequences do not have",
            hint="use --missing interpolate or --missing last",
            flag="--missing",
        )
    counts = [int(np.isnan(values).sum()) for values in read.raw.values]
    if method == "refuse" and any(counts):
        first = next(name for name, count in zip(read.raw.names, counts, strict=True) if count)
        raise DataError(
            f"{count_noun(sum(counts), 'missing value')}, the first in sequence {quote_name(first)}",
            hint="use --missing interpolate, or fill in the values",
            rule="D601",
            at=in_file(read.source),
            flags=("--missing",),
        )
    return sum(counts)


def require_finite_squares(read: ReadSequences) -> None:
    """Raise DataError for a value that is too large to be scaled."""
    for name, values in zip(read.raw.names, read.raw.values, strict=True):
        if (np.abs(values) > MAX_VALUE).any():
            raise DataError(
                f"a value of sequence {quote_name(name)} is too large to be scaled (max {MAX_VALUE:g})",
                hint="correct the value, or write the column in a larger unit",
                rule="D603",
                at=in_file(read.source),
            )


def scale_read(
    read: ReadSequences, scaler: SequenceScaler, *, max_length: int, missing: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled values [T, F] of all sequences, and the number of steps [S] of each.

    Args:
        read: sequences.
        scaler: scaler of the training sequences.
        max_length: number of steps that are kept of a longer sequence.
        missing: how missing values are filled.

    Raises:
        DataError: a value is too large for the model.
    """
    values, lengths = scale_sequences(read.raw.values, scaler, max_length=max_length, missing=missing)
    large = np.flatnonzero((np.abs(values) > MAX_SCALED).any(axis=1))
    if len(large):
        index = int(np.searchsorted(np.cumsum(lengths), large[0], side="right"))
        column = read.raw.columns[int(np.argmax(np.abs(values[large[0]])))]
        raise DataError(
            f"column {quote_name(column)} has a value in sequence {quote_name(read.raw.names[index])} that is too "
            f"large for 32-bit floats (--scaler {scaler.kind})",
            hint="correct the value, or write the column in a larger unit and prepare again",
            rule="D604",
            at=in_file(read.source),
            flags=("--scaler",),
        )
    return values, lengths


def _sequences_of(
    table: Table,
    names: Sequence[str],
    locate: LocationFormatter,
    of_role: Mapping[str, Sequence[str]],
    sequence: str,
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return the sequence [R] of each row, the ids, and the first row of each; both in the order of the file.

    Raises:
        DataError: another role changes within a sequence.
    """
    index = {name: number for number, name in enumerate(dict.fromkeys(names))}
    of_name = np.array([index[name] for name in names], dtype=np.int64)
    codes = of_name[table.series]
    _, firsts = np.unique(codes, return_index=True)
    for role, values in of_role.items():
        distinct = {value: number for number, value in enumerate(dict.fromkeys(values))}
        of_series = np.array([distinct[value] for value in values])
        by_row = of_series[table.series]
        changed = np.flatnonzero(by_row != by_row[firsts][codes])
        if len(changed) and role != sequence:
            row, first = int(changed[0]), int(firsts[codes[changed[0]]])
            raise DataError(
                f"the column changes within sequence {quote_name(list(index)[codes[row]])}: "
                f"{quote_name(values[table.series[row]])}, but {quote_name(values[table.series[first]])} in "
                f"{locate.unit} {int(table.lines[first])}",
                hint="correct the cell, or name the column that tells the sequences apart with --sequence",
                rule="D250",
                at=locate.at(int(table.lines[row]), role),
                flags=("--label", "--group", "--sequence"),
            )
    return codes, list(index), firsts


def _require_values(
    values: Sequence[str], column: str, table: Table, locate: LocationFormatter, firsts: np.ndarray
) -> None:
    """Raise DataError if a value of a sequence is missing."""
    empty = [number for number, value in enumerate(values) if not value]
    if empty:
        raise DataError(
            f"the value is missing for {count_noun(len(empty), 'sequence')}",
            hint="fill in the cell, or delete the rows of the sequence",
            rule="D251",
            at=locate.at(int(table.lines[firsts[empty[0]]]), column),
        )
