import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_run import child, prepare, quantize, train, wait_for

from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, OutputError
from lstm_cli.rundir import ARTIFACTS, layout_table, manifest, open_run

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FACT = {"sha256": "a" * 64, "size": 3}
ENTRY = {
    "config": {},
    "sources": None,
    "read": {},
    "wrote": {"data": {"folder": "0001", "files": {"values.npy": FACT}}},
    "versions": {},
    "seed": None,
    "device": None,
    "times": {},
    "report": {},
}


def with_valid_checksum(document: object) -> bytes:
    """Return a manifest with a valid checksum for any document."""
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    return b'{"checksum":"' + hashlib.sha256(body).hexdigest().encode() + b'",' + body[1:]


def document(**changes: object) -> dict[str, object]:
    return {"format": "lstm run", "schema": manifest.SCHEMA, "steps": {"prepare": {**ENTRY, **changes}}}


def test_encoding_and_decoding_keep_the_order_of_keys() -> None:
    report = {
        "zebra": 1,
        "apple": {"Öl": None},
        "list": (1, 2.5, np.float32(0.5), np.int64(3)),
        "path": Path("a/b"),
    }
    data = manifest.encode_manifest({"prepare": {**ENTRY, "report": report}}, Path("r"))
    read = manifest.decode_manifest(data, Path("r"))["prepare"]["report"]
    assert list(read) == ["zebra", "apple", "list", "path"]
    assert read["list"] == [1, 2.5, 0.5, 3]
    assert read["path"] == "a/b"
    assert "Öl".encode() in data


@given(JSON)
def test_any_report_is_decoded_as_encoded(report: object) -> None:
    data = manifest.encode_manifest({"prepare": {**ENTRY, "report": {"x": report}}}, Path("r"))
    assert manifest.decode_manifest(data, Path("r"))["prepare"]["report"] == {"x": report}


def test_the_checksum_is_computed_over_the_json_without_it() -> None:
    data = json.loads(manifest.encode_manifest({"prepare": ENTRY}, Path("r")))
    checksum = data.pop("checksum")
    canonical = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    assert hashlib.sha256(canonical).hexdigest() == checksum


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf")])
def test_nan_and_infinity_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"(?i)out of range"):
        manifest.to_json({"a": [number]}, path="x")


def test_a_name_that_is_not_utf8_can_be_encoded() -> None:
    name = os.fsdecode(b"caf\xe9.csv")
    assert manifest.from_json(manifest.to_json([name], path="x")) == [name]


def test_flipped_bits_and_truncation_are_detected(run: Path) -> None:
    original = (run / "run.json").read_bytes()
    corrupt = [original[:size] for size in (0, 1, 13, 77, 80, len(original) // 2, len(original) - 1)]
    for index in range(0, len(original), 7):
        byte = bytes([original[index] ^ (1 << index % 8)])
        corrupt.append(original[:index] + byte + original[index + 1 :])
    for data in corrupt:
        (run / "run.json").write_bytes(data)
        with pytest.raises(CorruptArtifact, match=r"run\.json is corrupt") as caught:
            open_run(run)
        assert "--force" in caught.value.hint
        assert f"lstm prepare DATA {run}" in caught.value.hint


def test_a_foreign_manifest_and_a_newer_schema_are_refused() -> None:
    with pytest.raises(ForeignFolder, match="another program"):
        manifest.decode_manifest(b'{"scripts": {"run": "node ."}}', Path("r"))
    with pytest.raises(ArtifactError, match=r"newer release \(schema 3") as caught:
        manifest.decode_manifest(
            with_valid_checksum({"format": "lstm run", "schema": 3, "anything": []}), Path("r")
        )
    assert not isinstance(caught.value, CorruptArtifact)  # --force must not set it aside
    assert "install the release that wrote it" in caught.value.hint


@pytest.mark.parametrize(
    "wrote",
    [
        {"../x": {"folder": "0001", "files": {"a": FACT}}},
        {"model": {"folder": "0001", "files": {"model.onnx": FACT}}},  # not made by prepare
        {"data": {"folder": "../0001", "files": {"values.npy": FACT}}},
        {"data": {"folder": "/etc", "files": {"passwd": FACT}}},
        {"data": {"folder": "..", "files": {"values.npy": FACT}}},
        {"data": {"folder": "0001\n", "files": {"values.npy": FACT}}},
        {"data": {"folder": "0001", "files": {"../../x": FACT}}},
        {"data": {"folder": "0001", "files": {"/etc/passwd": FACT}}},
        {"data": {"folder": "0001", "files": {"..": FACT}}},
        {"data": {"folder": "0001", "files": {"a\n": FACT}}},
        {"data": {"folder": "0001", "files": {"a\0": FACT}}},
        {"data": {"folder": "0001", "files": {}}},
        {"data": {"folder": "0001", "files": {f"f{i}": FACT for i in range(40)}}},
        {"data": {"folder": "0001", "files": {"a": {"sha256": "x", "size": 1}}}},
        {"data": {"folder": "0001", "files": {"a": {"sha256": "a" * 64, "size": -1}}}},
        {"data": {"folder": "0001", "files": {"a": {"sha256": "a" * 64, "size": True}}}},
        {"data": {"folder": 1, "files": {"a": FACT}}},
        {"data": []},
        [],
    ],
)
def test_names_outside_the_run_are_refused(wrote: object) -> None:
    with pytest.raises(CorruptArtifact):
        manifest.decode_manifest(with_valid_checksum(document(wrote=wrote)), Path("r"))
    manifest.decode_manifest(with_valid_checksum(document()), Path("r"))  # the unchanged document is valid


@pytest.mark.parametrize("key", ["config", "read", "wrote", "versions", "times", "report"])
def test_a_missing_or_invalid_part_is_refused(key: str) -> None:
    for value in (None, [], "x", 1):
        with pytest.raises(CorruptArtifact):
            manifest.decode_manifest(with_valid_checksum(document(**{key: value})), Path("r"))


def hostile(body: bytes) -> bytes:
    content = b'{"format":"lstm run","schema":2,"steps":' + body + b"}\n"
    return b'{"checksum":"' + hashlib.sha256(content).hexdigest().encode() + b'",' + content[1:]


HOSTILE = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "many lists": b"[" + b"[]," * 5_000_000 + b"0]",
    "lists to the limit": b"[" + b"[]," * 490_000 + b"0]",
    "objects to the limit": b"[" + b'{"":0},' * 330_000 + b"0]",
    "strings to the limit": b"[" + b",".join(b'"%010d"' % i for i in range(990_000)) + b"]",
    "keys to the limit": b"{" + b",".join(b'"%022d":0' % i for i in range(490_000)) + ',"😀":0}'.encode(),
    "long number": b"1" * 10_000_000,
    "too large": b'"' + b"x" * (17 << 20) + b'"',
    "not a number": b"[NaN]",
    "not UTF-8": b'"\xff"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_with_little_time_and_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(hostile(HOSTILE[name]))
    assert not name.endswith("limit") or not manifest._too_large(HOSTILE[name])
    source = """
import time
from lstm_cli.errors import CorruptArtifact
try:
    rundir.open_run(path)
except CorruptArtifact:
    status = Path("/proc/self/status").read_text()  # rusage would also count the process of the test
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024, time.process_time())
"""
    code, out, err = wait_for(child(source, tmp_path))
    assert code == 0, err
    megabytes, seconds = map(float, out.split())
    assert megabytes < 200  # NumPy included
    assert seconds < 60  # of CPU time; a quadratic algorithm would take hours


def test_json_that_is_too_large_to_read_is_not_written() -> None:
    with pytest.raises(OutputError, match=r"a/b\.json: too large .more than about 500,000 values"):
        manifest.to_json([0] * 1_000_002, path="a/b.json")


def test_the_digest_depends_on_names_sizes_and_content() -> None:
    files = {"a": {"sha256": "0" * 64, "size": 1}, "b": {"sha256": "1" * 64, "size": 2}}
    assert manifest.artifact_digest(files) == manifest.artifact_digest(dict(reversed(files.items())))
    lines = f"a 1 {'0' * 64}\nb 2 {'1' * 64}\n"
    assert manifest.artifact_digest(files) == hashlib.sha256(lines.encode()).hexdigest()
    assert manifest.artifact_digest(
        {**files, "b": {"sha256": "1" * 64, "size": 3}}
    ) != manifest.artifact_digest(files)


def test_the_layout_table_has_all_files_and_steps() -> None:
    text = layout_table()
    for artifact in ARTIFACTS.values():
        assert f"`lstm {artifact.made_by}`" in text
        assert all(f"`{artifact.name}/0001/{file}`" in text for file in artifact.files)
    assert {len(line.split("|")) for line in text.splitlines()} == {5}


def test_the_content_of_a_manifest_entry(tmp_path: Path) -> None:
    path = tmp_path / "r"
    prepare(path)
    train(path)
    quantize(path)
    run = open_run(path)
    entry = run.entry("train")
    assert entry["seed"] == 0
    assert entry["device"] == "cpu"
    assert entry["versions"]["numpy"] == np.__version__
    assert set(entry["times"]) == {"started", "finished", "seconds"}
    data = run.artifact("data")
    assert entry["read"]["data"]["sha256"] == data.digest
    assert entry["read"]["data"]["size"] == sum(file["size"] for file in data.files.values())
    for file, fact in run.artifact("model").files.items():
        written = (path / "model" / "0001" / file).read_bytes()
        assert fact == {"size": len(written), "sha256": hashlib.sha256(written).hexdigest()}
    assert run.report("prepare") == {"rows": 12, "names": ["Öl", "b"]}
