"""ZIP archives: the only data file in one is read like a file of its own. Office documents are archives too."""

import shlex
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from lstm_cli.data.reading.containers.decompress import BLOCK, corrupt_error
from lstm_cli.data.reading.containers.foreign import STDIN_NAME, refuse_archived_document, refuse_document
from lstm_cli.data.reading.containers.limits import limit_ratio
from lstm_cli.errors import DataError

MAGIC = b"PK\x03\x04"
_EMPTY_MAGIC = b"PK\x05\x06"
_MAX_LISTED = 5
_BOUNDED_METHODS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
)  # the others decompress without a limit of memory
# A member that only archives of this format have, and the name of the format in `foreign.py`.
_DOCUMENTS = (("xl/", "xlsx"), ("content.xml", "ods"), ("word/", "docx"))
_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


def is_zip(head: bytes) -> bool:
    """Return whether the first bytes are of a ZIP archive."""
    return head.startswith((MAGIC, _EMPTY_MAGIC))


def _document_ending(names: list[str]) -> str | None:
    """Return the ending of a document that is stored as a ZIP archive with these members, or None."""
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return next(
        (ending for member, ending in _DOCUMENTS if any(name.startswith(member) for name in names)), None
    )


@contextmanager
def open_zip(file: str | BinaryIO, name: str) -> Iterator[Iterator[bytes]]:
    """Open the only data file of an archive.

    Args:
        file: path of the archive, or a seekable stream.
        name: name of the archive, for messages.

    Yields:
        The content of the file, in blocks.

    Raises:
        DataError: the archive has no data file or several, or it is a document, encrypted or corrupt.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _CORRUPT:
        raise corrupt_error(name, "ZIP", program="unzip") from None
    with archive:
        ending = _document_ending(archive.namelist())
        if ending is not None:
            refuse_document(ending, name)
        member = _only_member(archive, name)
        content = _blocks(archive, member, name)
        yield limit_ratio(content, name, lambda: member.compress_size, _extract_command(name))


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if _is_data(member)]
    if len(members) != 1:
        raise _members_error(members, name)
    member = members[0]
    refuse_archived_document(member.filename, name)
    is_encrypted = bool(member.flag_bits & 1)
    if is_encrypted or member.compress_type not in _BOUNDED_METHODS:
        raise DataError(
            f"{name} is encrypted" if is_encrypted else f"{name} has an unusual kind of ZIP compression",
            hint=f"extract the file, and name that: {_extract_command(name)}",
            rule="D151",
        )
    return member


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    try:
        with archive.open(member) as stream:
            while block := stream.read(BLOCK):
                yield block
    except _CORRUPT:
        raise corrupt_error(name, "ZIP", program="unzip") from None


def _is_data(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is a file, and not a hidden one such as macOS adds."""
    path = PurePosixPath(member.filename)
    return not member.is_dir() and not path.name.startswith(".") and path.parts[0] != "__MACOSX"


def _members_error(members: list[zipfile.ZipInfo], name: str) -> DataError:
    if not members:
        return DataError(f"{name} is an empty ZIP archive", hint="name a file with data", rule="D150")
    names = [member.filename for member in members]
    more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
    listed = ", ".join(map(shlex.quote, names[:_MAX_LISTED])) + more
    return DataError(
        f"{name} is a ZIP archive of {len(names):,} files: {listed}",
        hint=f"extract the files, and name the one to read: {_extract_command(name)}",
        rule="D150",
    )


def _extract_command(name: str) -> str:
    path = "data.zip" if name == STDIN_NAME else name
    return f"unzip {shlex.quote(path)}"
