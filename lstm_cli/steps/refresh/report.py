"""Report of `refresh`."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class RefreshReport(HtmlReport):
    """Verdict of a night."""

    run: str
    source: str
    output: str | None  # forecast file
    verdict: str  # "replaced", "kept", "not trained" or "failed"
    reason: str  # why a challenger was trained or not, and with a failure the error
    text: str  # the verdict in one line
    version: int  # model that made the forecast
    # Of the file: added, overlap, changed, filled, older; of the run: total, unlearnt, since_last.
    rows: dict[str, int]
    time_end: str | None  # newest row
    ledger: dict[str, Any] | None  # what came true; None if nothing did
    comparison: dict[str, Any] | None  # scores on the held-out rows; None without a training
    forecast: dict[str, Any]  # rows, time_start, time_end, recorded
    gates: list[dict[str, Any]]
    seconds: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)
