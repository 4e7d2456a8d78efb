"""Reader of the file of an offline W&B run."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_offline_run(path: Path) -> dict[str, str]:
    """Return the last logged value of each key, as JSON."""
    from wandb.proto.wandb_internal_pb2 import Record

    logged = {}
    for data in records(path.read_bytes()):
        for item in Record.FromString(data).history.item:
            logged[item.key or ".".join(item.nested_key)] = item.value_json
    return logged


def read_about(path: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the name of the run, its settings, and the scores in its summary."""
    from wandb.proto.wandb_internal_pb2 import Record

    name, config, summary = "", {}, {}
    for data in records(path.read_bytes()):
        record = Record.FromString(data)
        name = record.run.display_name or name
        for item in (*record.run.config.update, *record.config.update):
            config[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
        for item in record.summary.update:
            summary[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
    own = {key: value for key, value in config.items() if not key.startswith("_wandb")}
    return name, own, {key: value for key, value in summary.items() if key.startswith("validation/")}


def records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a .wandb file: a header of 7 bytes, then LevelDB's log format in blocks of 32 KiB.

    A piece of a record has a checksum (4 bytes), a length (2 bytes) and a kind (1: whole, 2: first, 3: middle,
    4: last piece). At the end of a block, a rest of less than 7 bytes is empty.
    """
    assert data[:4] == b":W&B"
    offset, record = 7, b""
    while offset < len(data):
        if 32768 - offset % 32768 < 7:
            offset += 32768 - offset % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", data, offset)
        record += data[offset + 7 : offset + 7 + length]
        offset += 7 + length
        if kind in (1, 4):
            yield record
            record = b""
