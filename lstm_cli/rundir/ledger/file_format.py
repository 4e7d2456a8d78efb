"""Format of the files of the ledger: a header and compressed arrays, with checksums.

A file is one line of JSON with its own checksum, then the arrays, compressed by zlib. The header has the sha256 of the
compressed bytes, so any changed bit is detected.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.errors import ArtifactError, CorruptArtifact, OutputError
from lstm_cli.rundir.manifest import CHECKSUM_MISMATCH, check_checksum, with_checksum
from lstm_cli.rundir.reader import count_values

if TYPE_CHECKING:
    import numpy as np

FORMAT, SCHEMA = "lstm ledger", 1
MAX_BYTES = 1 << 30  # of the arrays of a file; 10,000 series with 24 steps have 14 MB
LEVEL = 1  # of zlib: higher levels take twice the time for 1 % of the size
DTYPES = ("<f4", "<i8", "<u4")


@dataclass(frozen=True, kw_only=True)
class LedgerFile:
    """Content of a file of the ledger."""

    facts: Mapping[str, Any]  # JSON object
    arrays: "Mapping[str, np.ndarray]"


def encode_ledger_file(content: LedgerFile, path: Path) -> list[bytes]:
    """Return the bytes of a file: the header, and the compressed arrays. Errors name `path`."""
    arrays = content.arrays
    size = sum(array.nbytes for array in arrays.values())
    if size > MAX_BYTES:
        raise OutputError(f"cannot write {path}: too large (more than {MAX_BYTES >> 20} MiB)")
    payload = zlib.compress(b"".join(map(_shuffled, arrays.values())), LEVEL)
    header = {
        "format": FORMAT,
        "schema": SCHEMA,
        "facts": content.facts,
        "arrays": {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()},
        "size": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    return [with_checksum(header, path=path), payload]


def decode_ledger_file(data: bytes, path: Path) -> LedgerFile:
    """Return the content of the bytes of a file, which may be hostile. Errors name `path`.

    Raises:
        CorruptArtifact: a checksum is wrong, or the content is invalid.
        ArtifactError: a newer release wrote the file.
    """
    head, _, payload = data.partition(b"\n")
    try:
        header = check_checksum(head + b"\n")
        if header["format"] == FORMAT and isinstance(header["schema"], int) and header["schema"] > SCHEMA:
            raise ArtifactError(
                f"{path} was written by a newer release", hint="install the release that wrote it"
            )
        if (header["format"], header["schema"]) != (FORMAT, SCHEMA) or not isinstance(header["facts"], dict):
            raise ValueError("it is not a file of the ledger")
        if len(payload) != header["size"] or hashlib.sha256(payload).hexdigest() != header["sha256"]:
            raise ValueError(CHECKSUM_MISMATCH)
        return LedgerFile(facts=header["facts"], arrays=_arrays(header["arrays"], payload))
    except ArtifactError:
        raise
    except ValueError as error:
        raise corrupt_error(path, str(error)) from None
    except Exception as error:  # an edited header can raise many classes
        raise corrupt_error(path, f"unexpected content ({type(error).__name__})") from None


def _shuffled(array: "np.ndarray") -> bytes:
    """Return the bytes of an array, all first bytes of its numbers first: neighbours are similar, so they shrink."""
    import numpy as np

    if array.dtype.str not in DTYPES:
        raise ValueError(f"the ledger has no arrays of {array.dtype}")
    planes = np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, array.itemsize).T
    return np.ascontiguousarray(planes).tobytes()


def _arrays(declared: Mapping[str, Any], payload: bytes) -> "dict[str, np.ndarray]":
    """Return the arrays of a payload. Raise ValueError if it does not have the declared sizes."""
    import numpy as np

    shapes = {}
    for name, (dtype, shape) in declared.items():
        if dtype not in DTYPES or not all(type(size) is int and 0 <= size <= MAX_BYTES for size in shape):
            raise ValueError("invalid arrays")
        shapes[name] = (np.dtype(dtype), tuple(shape))
    sizes = [dtype.itemsize * count_values(shape) for dtype, shape in shapes.values()]
    total = sum(sizes)
    if total > MAX_BYTES:
        raise ValueError(f"too large (more than {MAX_BYTES >> 20} MiB)")
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(payload, total + 1)
    except zlib.error:
        raise ValueError("its arrays cannot be decompressed") from None
    if len(data) != total or not decompressor.eof or decompressor.unused_data:
        raise ValueError("the size of its arrays does not match the header")
    arrays, first = {}, 0
    for (name, (dtype, shape)), size in zip(shapes.items(), sizes, strict=True):
        planes = np.frombuffer(data, np.uint8, count=size, offset=first).reshape(dtype.itemsize, -1).T
        arrays[name] = np.ascontiguousarray(planes).reshape(-1).view(dtype).reshape(shape)
        first += size
    return arrays


def corrupt_error(path: Path, reason: str) -> CorruptArtifact:
    """Return the error for a corrupt file of the ledger."""
    return CorruptArtifact(f"{path} is corrupt: {reason}", hint="'lstm score' leaves it out")
