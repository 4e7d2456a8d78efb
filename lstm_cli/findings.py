"""Findings of the rules about data files and models; messages and reports are made from them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
MODEL = "model"  # kind of the findings about a model
LINES = 10  # maximum number of line numbers in a finding


@dataclass(frozen=True, kw_only=True)
class Location:
    """Location in a data file, and its text in messages."""

    source: str  # file name
    text: str  # text in messages: `a.csv, line 5, column 'OT'`
    lines: tuple[int, ...] = ()  # line numbers in the file; row numbers in a Parquet file
    column: str | None = None

    def __str__(self) -> str:
        return self.text


def in_file(source: str) -> Location:
    """Return the location of a whole file."""
    return Location(source=source, text=source)


def at_line(source: str, line: int) -> Location:
    """Return the location of a line of a text file."""
    return Location(source=source, text=f"{source}, line {line}", lines=(int(line),))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Finding of a rule at one location, or at several similar locations."""

    rule: str  # rule id, see rules.py; "" in a run of release 0.1.0, which stored only the text
    text: str  # complete sentence that names the location
    severity: str = (
        WARNING  # error: the data are refused; warning: they are read; note: printed by `check` only
    )
    kind: str = (
        "reading"  # topic, e.g. "outliers"; "reading" and "refused" are of the reader, "model" is of models
    )
    source: str | None = None  # file name
    column: str | None = None
    lines: tuple[int, ...] = ()  # first line numbers
    count: int = 1  # number of similar locations
    flags: tuple[str, ...] = ()  # options that change the outcome; the first one is the usual choice

    @staticmethod
    def at(
        location: Location, rule: str, text: str, *, lines: Sequence[int] | None = None, **more: Any
    ) -> "Finding":
        """Return a finding whose sentence begins with its location.

        Args:
            location: Location of the finding.
            rule: Rule id.
            text: Sentence without the location.
            lines: Line numbers if there are several; the first ones are kept.
            **more: Other fields of the finding.
        """
        return Finding(
            rule=rule,
            text=f"{location}: {text}",
            source=location.source,
            lines=location.lines if lines is None else tuple(int(line) for line in lines[:LINES]),
            **{"column": location.column, **more},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as a JSON object for reports."""
        return {
            **asdict(self),
            "line": self.lines[0] if self.lines else None,
            "flag": self.flags[0] if self.flags else None,
        }


def warnings_of(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without notes, which only `check` prints."""
    return [finding for finding in findings if finding.severity != NOTE]


def finding_texts(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the sentences of the findings."""
    return tuple(finding.text for finding in findings)


def findings_to_dicts(findings: Sequence[Finding]) -> tuple[dict[str, Any], ...]:
    """Return the findings as JSON objects for reports."""
    return tuple(finding.to_dict() for finding in findings)
