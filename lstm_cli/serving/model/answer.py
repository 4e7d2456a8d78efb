"""Answer to a request."""

from dataclasses import dataclass

from lstm_cli.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Encoded forecast. A JSON body has the warnings too."""

    body: bytes
    media_type: str  # one of MEDIA_TYPES
    warnings: tuple[Finding, ...]  # of the reader and the forecast; no text has a path of the machine
