"""Messages to systemd about the state of the server (Type=notify)."""

import os
import socket
import time
from contextlib import suppress


def notify(state: str) -> None:
    """Send a state such as `READY=1` to systemd; do nothing without systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    if address.startswith("@"):  # an abstract socket
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.settimeout(1)
        sock.sendto(state.encode(), address)


def notify_reloading() -> None:
    """Send that the model is loaded again; `READY=1` ends it."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")
