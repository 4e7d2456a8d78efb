"""Page of a run, and the reports of `report`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_cli.findings import Finding
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class Page:
    """Page of a run."""

    encode: Callable[[str], bytes]  # of the format
    kind: type[Any]  # report of the step
    fields: Mapping[str, Any]  # of the report, besides those of the output
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class PageReport:
    """Report of `report`."""

    run: str
    output: str
    format: str
    size: int  # bytes
    verdict: str
    model: str
    precision: str
    split: str
    windows: int  # that the scores are of
    drawn_windows: int  # that were forecast again for the charts
    commands: tuple[str, ...]  # that make the run again
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


@dataclass(frozen=True, kw_only=True)
class ClassPageReport:
    """Report of `report` on labelled sequences."""

    run: str
    task: str
    output: str
    format: str
    size: int  # bytes
    verdict: str
    model: str
    split: str
    sequences: int  # that the scores are of
    commands: tuple[str, ...]  # that make the run again
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)
