"""One thing that is found in a data file: a sentence with the place and, in brackets, the flag that settles it."""

import re
from dataclasses import dataclass

from lstm_cli.errors import LstmError

ERROR, WARNING, NOTE = "error", "warning", "note"
LINES = 10  # first lines that a finding holds


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found."""

    kind: str  # e.g. "outliers", "leak"; "reading" for what the reader of `prepare` says, "refused" for its error
    severity: str  # error: `prepare` refuses the file; warning: `prepare` warns of it; note
    text: str  # a whole sentence
    column: str | None = None
    lines: tuple[int, ...] = ()  # the first ones
    count: int = 1

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that settle it, as its sentence names them."""
        return tuple(dict.fromkeys(re.findall(r"--[a-z][a-z-]*[a-z]", self.text)))


def severity_order(finding: Finding) -> int:
    """The gravest first."""
    return (ERROR, WARNING, NOTE).index(finding.severity)


def told_by_reader(warning: str, source: str) -> Finding:
    """A warning of the reader as a finding."""
    told = re.search(r"\b(\d[\d,]*) (?:such|cells?|numbers?|series|rows?|blank)\b", warning)
    return Finding(
        kind="reading",
        severity=WARNING,
        text=warning,
        lines=_lines_named(warning, source),
        count=int(told[1].replace(",", "")) if told else 1,
    )


def refusal(error: LstmError, source: str) -> Finding:
    """What `prepare` refuses, as a finding."""
    hint = f" ({error.hint})" if error.hint else ""
    return Finding(
        kind="refused",
        severity=ERROR,
        text=f"{error.message}{hint}",
        lines=_lines_named(error.message, source),
    )


def _lines_named(text: str, source: str) -> tuple[int, ...]:
    """The lines that a sentence names, which begins with the name of the file."""
    pairs = re.findall(r"\b(?:line|row)s? (\d+)(?: and (\d+))?", text.removeprefix(source))
    return tuple(int(number) for pair in pairs for number in pair if number)[:LINES]
