"""Report of `lstm serve` when it stops."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ServeReport:
    """Requests and reloads of a server."""

    run: str
    url: str
    version: str  # of the last model
    requests: int
    statuses: dict[str, int]  # number of answers by HTTP status; 499: the client closed the connection
    reloads: dict[str, int]  # number of loads of a changed run, by result: reloaded, unchanged, failed
    unfinished: int  # requests that --grace did not suffice for
    signal: int | None  # that stopped the server

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return asdict(self)
