"""Findings: what a rule says of a data file or of a model, as data from which messages and reports are made."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
MODEL = "model"  # the kind of findings about a model
LINES = 10  # first lines that a finding holds


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place in a data file, and how messages name it."""

    source: str  # the file
    text: str  # as messages name it: `a.csv, line 5, column 'OT'`
    lines: tuple[int, ...] = ()  # of that file; rows in Parquet
    column: str | None = None

    def __str__(self) -> str:
        return self.text


def in_file(source: str) -> Location:
    """Return a file as a whole."""
    return Location(source=source, text=source)


def at_line(source: str, line: int) -> Location:
    """Return a line of a text file."""
    return Location(source=source, text=f"{source}, line {line}", lines=(int(line),))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule says of one place, or of several alike."""

    rule: str  # its id, see rules.py; "" where a run of release 0.1.0 kept the sentence alone
    text: str  # a whole sentence, which names the place
    severity: str = (
        WARNING  # error: the file is refused; warning: it is read, but look; note: by `check` alone
    )
    kind: str = "reading"  # what it is about, e.g. "outliers"; of the reader "reading" or "refused", of models "model"
    source: str | None = None  # the file
    column: str | None = None
    lines: tuple[int, ...] = ()  # the first ones
    count: int = 1  # how many places are alike
    flags: tuple[str, ...] = ()  # the options that decide otherwise; the first one is the usual

    @staticmethod
    def at(
        location: Location, rule: str, text: str, *, lines: Sequence[int] | None = None, **more: Any
    ) -> "Finding":
        """Return a finding whose sentence begins with a place. lines: the first ones, if there are several."""
        return Finding(
            rule=rule,
            text=f"{location}: {text}",
            source=location.source,
            lines=location.lines if lines is None else tuple(int(line) for line in lines[:LINES]),
            **{"column": location.column, **more},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the object that reports hold."""
        return {
            **asdict(self),
            "line": self.lines[0] if self.lines else None,
            "flag": self.flags[0] if self.flags else None,
        }


def finding_texts(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the sentences of findings."""
    return tuple(finding.text for finding in findings)


def findings_to_dicts(findings: Sequence[Finding]) -> tuple[dict[str, Any], ...]:
    """Return findings as reports hold them."""
    return tuple(finding.to_dict() for finding in findings)
