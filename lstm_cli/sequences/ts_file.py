"""Reader of `.ts` files, in which the UEA and UCR archives of labelled sequences are published.

The format is that of sktime (https://www.sktime.net): a header of lines with `@`, then one sequence per line. Its
columns are separated by a colon, its values by commas, and its label is last. `?` is a missing value.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstm_cli.errors import DataError
from lstm_cli.findings import at_line, in_file
from lstm_cli.sequences.build import RawSequences

MISSING = "?"


def read_ts(path: Path, content: bytes, *, labelled: bool = True) -> RawSequences:
    """Return the sequences of a `.ts` file.

    Args:
        path: path of the file, for messages.
        content: bytes of the file.
        labelled: whether the sequences need labels.

    Raises:
        DataError: the file is not valid. The error has the line.
    """
    source = str(path)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(
            "the file is not a text in UTF-8", hint="convert it to UTF-8", rule="D160", at=in_file(source)
        ) from None
    header, begin = _read_header(source, lines)
    flag, *classes = header.get("classlabel", "false").split()
    has_labels = flag.lower() == "true"
    if labelled and not has_labels:
        raise DataError(
            "the sequences have no labels: the header has no '@classLabel true'",
            hint="use a file with labels",
            rule="D160",
            at=in_file(source),
        )
    values, labels = [], []
    for number, line in _data_lines(lines, begin):
        *columns, label = line.split(":") if has_labels else [*line.split(":"), ""]
        values.append(_read_columns(source, number, columns))
        if has_labels and labelled and not label.strip():
            raise DataError(
                "the label is missing",
                hint="write the label after the last colon",
                rule="D160",
                at=at_line(source, number),
            )
        if has_labels and labelled and classes and label.strip() not in classes:
            raise DataError(
                f"the label '{label.strip()[:40]}' is not in the header: @classLabel has {', '.join(classes)[:80]}",
                hint="correct the label, or add it to '@classLabel true'",
                rule="D160",
                at=at_line(source, number),
            )
        labels.append(label.strip())
        if values[-1].shape[1] != values[0].shape[1]:
            raise DataError(
                f"{values[-1].shape[1]} columns, but the first sequence has {values[0].shape[1]}",
                hint="correct the line",
                rule="D160",
                at=at_line(source, number),
            )
    if not values:
        raise DataError("no sequence follows '@data'", hint="check the file", rule="D160", at=in_file(source))
    width = values[0].shape[1]
    return RawSequences(
        columns=tuple(f"value{number + 1}" for number in range(width)) if width > 1 else ("value",),
        values=values,
        names=tuple(str(number) for number in range(1, len(values) + 1)),
        labels=tuple(labels),
    )


def _read_header(source: str, lines: list[str]) -> tuple[dict[str, str], int]:
    """Return the header by lower-case name, and the number of lines up to `@data`."""
    header: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        if not text.startswith("@"):
            break
        name, _, value = text[1:].partition(" ")
        if name.lower() == "data":
            if header.get("timestamps", "false").strip().lower() == "true":
                raise DataError(
                    "sequences with timestamps are not supported",
                    hint="write the data as CSV, one row per step: --sequence ID --label COLUMN --time COLUMN",
                    rule="D160",
                    at=in_file(source),
                )
            return header, number
        header[name.lower()] = value.strip() or "false"
    raise DataError(
        "the line '@data' is missing, so this is not a .ts file",
        hint="rename a CSV file to .csv",
        rule="D160",
        at=in_file(source),
    )


def _data_lines(lines: list[str], begin: int) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines[begin:], start=begin + 1):
        text = line.strip()
        if text and not text.startswith(("#", "%")):
            yield number, text


def _read_columns(source: str, number: int, columns: list[str]) -> np.ndarray:
    """Return the values [L, F] of a line; a column that is shorter than the longest one is filled with NaN."""
    series = []
    for column in columns:
        cells = [cell.strip() for cell in column.split(",")]
        try:
            series.append(np.array([np.nan if cell == MISSING else float(cell) for cell in cells]))
        except ValueError:
            wrong = next(cell for cell in cells if cell != MISSING and not _is_float(cell))
            raise DataError(
                f"'{wrong[:40]}' is not a number",
                hint=f"correct the value, or write {MISSING} for a missing one",
                rule="D160",
                at=at_line(source, number),
            ) from None
    values = np.full((max((len(each) for each in series), default=0), len(series)), np.nan)
    for index, each in enumerate(series):
        values[: len(each), index] = each
    if np.isinf(values).any():
        raise DataError(
            "an infinite value", hint="correct the value", rule="D160", at=at_line(source, number)
        )
    return values


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
