"""Limits of a server that its clients have to know."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """Limits of a server."""

    max_body: int  # bytes of a request body, also after decompression
    timeout: float  # seconds for one request
    needs_token: bool  # requests need `Authorization: Bearer TOKEN`


def size_text(size: int) -> str:
    """Return a number of bytes for people, e.g. 16 MiB.

    >>> size_text(16 * 2**20), size_text(1500)
    ('16 MiB', '1,500 bytes')
    """
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power and size % (1 << power) == 0:
            return f"{size >> power:,} {unit}"
    return f"{size:,} bytes"
