"""Rows of one request, ready for the model."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one request. Only `ServedModel` reads the private fields."""

    windows: int  # windows of the model, at least 1; --max-batch counts them
    findings: tuple[Finding, ...]  # warnings of the reader
    _data: Any = None
