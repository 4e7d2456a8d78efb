"""Content of an exported file, and the report of `export`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class ExportReport(HtmlReport):
    """Report of `export`."""

    run: str
    task: str
    to: str
    output: str
    about: str  # path of the JSON file that describes the output
    size: int  # bytes of the output
    model: str | None  # None: data of a run without a model
    precision: str | None  # of the model; None: the data, which hold no model
    shapes: dict[str, list[Any]]  # of inputs and outputs, or of the arrays X and y
    bounds: str | None  # why the file does not clip its forecast to the bounds; None: it does
    difference: float | None  # largest difference from the outputs of the model; None: same bytes
    compared: int  # number of validation windows or sequences compared
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Content of the output file, and the facts for the JSON file."""

    size: int  # bytes; a lower bound
    write: Callable[[BinaryIO], object]
    facts: dict[str, Any]
    shapes: dict[str, list[Any]]
    model: str | None  # name of the model; None: there is none
    holds_model: bool = True  # False: the data
    difference: float | None = None
    compared: int = 0
