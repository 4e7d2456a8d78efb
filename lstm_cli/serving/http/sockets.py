"""Sockets that the server listens on."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lstm_cli.config.serve import HOST, PORT, ServeConfig
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.os_errors import os_error_reason

BACKLOG = 2_048


@contextmanager
def listening(config: ServeConfig) -> Iterator[socket.socket]:
    """Yield the socket of the server. At the end, the file of a Unix socket is removed.

    Connections wait in the socket until the server accepts them.

    Raises:
        OutputError: the port or the Unix socket is in use, or the system refuses it.
        UsageError: the host has no address.
    """
    sock = _bind_tcp(config) if config.uds is None else _bind_unix(config.uds)
    sock.setblocking(False)
    inode = None if config.uds is None else os.lstat(config.uds).st_ino
    try:
        yield sock
    finally:
        sock.close()
        with suppress(OSError):
            if config.uds is not None and os.lstat(config.uds).st_ino == inode:  # not of a later server
                os.unlink(config.uds)  # noqa: PTH108


def url_of(sock: socket.socket) -> str:
    """Return the URL of a bound socket, with the port that was chosen."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if sock.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"


def _bind_tcp(config: ServeConfig) -> socket.socket:
    host = HOST if config.host is None else config.host
    port = PORT if config.port is None else config.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise UsageError(
            f"--host {host} has no address",
            hint="give an address of this machine, such as 127.0.0.1",
            flag="--host",
        ) from None
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)  # before the model is loaded, so that a second server does not wait for its own
    except OSError as error:
        sock.close()
        raise _tcp_error(error, host, port) from error
    return sock


def _tcp_error(error: OSError, host: str, port: int) -> OutputError:
    if error.errno == errno.EADDRINUSE:
        return OutputError(
            f"port {port} of {host} is in use by another program",
            hint=f"choose another port, such as --port {port % 65_535 + 1}, or --port 0 for any free port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return OutputError(f"port {port} of {host}: permission denied", hint="choose a port above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return OutputError(
            f"{host} is not an address of this machine", hint="list the addresses with 'ip address'"
        )
    return OutputError(f"cannot listen on port {port} of {host}: {os_error_reason(error)}")


def _bind_unix(path: str) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise _path_in_use(path) from None
        if error.errno is None:  # Python compares the length itself
            raise OutputError(
                f"cannot listen on {path}: its path of {len(os.fsencode(path))} bytes is too long",
                hint="give --uds a shorter path, such as /tmp/lstm.sock",
            ) from None
        raise OutputError(
            f"cannot listen on {path}: {os_error_reason(error)}",
            hint="check that the folder exists and is writable",
        ) from error
    return sock


def _remove_stale(path: str) -> None:
    """Remove the Unix socket of a server that was killed. Raises OutputError for one in use, and for another file."""
    with suppress(OSError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OutputError(f"{path} exists and is not a socket", hint="give another path to --uds")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            try:
                probe.connect(path)
            except ConnectionRefusedError:  # nobody listens
                os.unlink(path)  # noqa: PTH108
            else:
                raise _path_in_use(path)


def _path_in_use(path: str) -> OutputError:
    return OutputError(f"the socket {path} is in use by another program", hint="give another path to --uds")
