"""Tokens of clients, and the check of the header Authorization."""

import shlex
from hmac import compare_digest
from pathlib import Path

from lstm_cli.errors import OutputError
from lstm_cli.os_errors import os_error_reason
from lstm_cli.serving.messages.http_error import HttpError

MAX_BYTES = 1 << 20
BEARER = b"bearer "


class Tokens:
    """Tokens of a file, one per line; without a file, each request is allowed.

    Args:
        path: file of the tokens.

    Raises:
        OutputError: the file is not readable, or has no token.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._tokens = () if path is None else read_tokens(path)

    def reload(self) -> None:
        """Read the file again. Raises OutputError and keeps the tokens if it is not readable, or has no token."""
        if self._path is not None:
            self._tokens = read_tokens(self._path)

    def require(self, authorization: bytes | None) -> None:
        """Raise HttpError 401 without a known token. The time of the comparison depends on no token."""
        if self._path is None:
            return
        if authorization is None:
            problem, challenge = "the token is missing", b'Bearer realm="lstm"'
        else:
            given = authorization[len(BEARER) :].strip() if authorization[:7].lower() == BEARER else b""
            if sum([compare_digest(given, token) for token in self._tokens]):
                return
            problem, challenge = "the token is not valid", b'Bearer realm="lstm", error="invalid_token"'
        raise HttpError(
            401,
            problem,
            hint="send the header 'Authorization: Bearer TOKEN'",
            headers=((b"www-authenticate", challenge),),
        )


def read_tokens(path: str) -> tuple[bytes, ...]:
    """Return the tokens of a file. Raises OutputError if it is not readable, or has no token."""
    advice = f"write one token per line, such as: openssl rand -hex 32 > {shlex.quote(path)}"
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError of a path with a null character
        raise OutputError(
            f"cannot read the token file {path}: {os_error_reason(error)}", hint=advice
        ) from error
    tokens = tuple(filter(None, map(bytes.strip, data.removeprefix(b"\xef\xbb\xbf").splitlines())))
    if len(data) > MAX_BYTES or not tokens:
        problem = "empty" if not tokens else f"larger than {MAX_BYTES:,} bytes"
        raise OutputError(
            f"the token file {path} is {problem}",
            hint=advice,
        )
    for token in tokens:
        if any(byte < 0x21 or byte > 0x7E for byte in token):
            raise OutputError(
                f"the token file {path} has a token with a space or a character that is not ASCII",
                hint=advice,
            )
    return tokens
