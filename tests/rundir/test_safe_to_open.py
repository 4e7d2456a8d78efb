"""Tests of hostile runs: files of a run cannot run code or reach other files, and errors are exit code 4.

The tests truncate, flip and replace each artifact of the golden run, then run the commands that read it. Checksums are
verified first, so most tests also forge the checksums in the manifest.
"""

import io
import json
import os
import pickle
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from canary import Canary
from golden_run import FILES, copy_golden_run, forge

from lstm_cli.cli.main import run as lstm
from lstm_cli.errors import ArtifactError
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_linear
from lstm_cli.rundir import open_run
from lstm_cli.steps.verify import verify

READERS = {  # artifact -> commands that read it without torch
    "data": [["predict", "--threads", "1"], ["predict", "--precision", "fp32"]],
    "model": [["predict", "--precision", "fp32"], ["export"]],
    "quantized": [["predict"]],
    "tune": [["tune", "--show"]],
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copy_golden_run(tmp_path / "run")


@pytest.fixture
def read_artifact(run: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return a function that runs all readers of an artifact, and returns their errors. Exit codes are 0 or 4."""

    def call(artifact: str) -> list[str]:
        errors = []
        for verb, *options in READERS[artifact]:
            stderr = io.StringIO()
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stderr", stderr)
                patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
                code = lstm([verb, str(run), *options])
            lines = [line for line in stderr.getvalue().splitlines() if line.startswith("error: ")]
            assert (code, len(lines)) in ((0, 0), (4, 1)), (verb, code, stderr.getvalue()[-2000:])
            errors += lines
        return errors

    return call


def pickled(canary: Path) -> dict[str, bytes]:
    """Return payloads that create a file if they are unpickled: a pickle, an array, a torch archive and YAML."""
    import zipfile

    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    plain = pickle.dumps(Canary(canary))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", plain)
        file.writestr("archive/version", "3\n")
    yaml = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{canary}']]\n"
    return {"pickle": plain, "npy": array.getvalue(), "torch": archive.getvalue(), "yaml": yaml.encode()}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_pickle_in_place_of_any_file_is_not_loaded(
    run: Path, tmp_path: Path, read_artifact: Callable[[str], list[str]], file: Path
) -> None:
    canary = tmp_path / "canary"
    for payload in pickled(canary).values():
        forge(run, file, payload)
        read_artifact(file.parts[0])
        verify(run, ignore_events)  # the forged checksums are valid
        assert not canary.exists()


def tensors(header: object, *, length: int | None = None, data: bytes = b"") -> bytes:
    """Return a safetensors file."""
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE = {
    "nothing": b"",
    "an object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a list of objects": b"[{}]",
    "NaN": b'{"a": NaN}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "a long number": b"1" * 1_000_000,
    "a header of 2^63": tensors({}, length=2**63),
    "a header of 99 MB": tensors({}, length=99_000_000),
    "values that overlap": tensors({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}, data=bytes(12)),
    "a shape that overflows": tensors({"a": F32 | {"shape": [2**40, 2**40]}}, data=bytes(8)),
    "no tensors": tensors({}),
}


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.suffix in (".json", ".npy", ".safetensors", ".onnx")], ids=str
)
def test_a_hostile_file_with_a_valid_checksum_is_refused(
    run: Path, read_artifact: Callable[[str], list[str]], file: Path
) -> None:
    errors = []
    for content in HOSTILE.values():
        forge(run, file, content)
        errors += read_artifact(file.parts[0])
    unread = ("weights.safetensors", "validated.onnx", "linear.safetensors", "validated_linear.safetensors")
    assert errors or file.name in unread, "no command reads the file"


def test_hostile_tensors_of_the_linear_forecast_are_refused(run: Path) -> None:
    for content in HOSTILE.values():
        forge(run, Path("model/0001/linear.safetensors"), content)
        with (
            open_run(run) as opened,
            pytest.raises(ArtifactError, match=r"linear\.safetensors has unexpected content"),
        ):
            load_linear(opened)


def test_invalid_trials_are_refused(run: Path) -> None:
    from lstm_cli.config import TrainConfig, TuneConfig, restore_settings
    from lstm_cli.steps.tune.record import reusable_trials
    from lstm_cli.steps.tune.spec import make_search_spec

    with open_run(run) as opened:
        stored = opened.entry("tune")["config"]
        fixed = restore_settings(TrainConfig, {**stored["train"], "hidden": [4], "parts": [], "threads": 1})
        search = make_search_spec(str(run), TuneConfig(method="grid", space=("loss=mae|huber",)), fixed)
        assert len(reusable_trials(opened, search)[0]) == 2
    for content in (b"[]\n", b'{"number": "x", "state": "done"}\n', b"1\n", b"{}\n"):
        forge(run, Path("tune/0003/trials.jsonl"), content)
        with open_run(run) as opened, pytest.raises(ArtifactError, match=r"trials\.jsonl"):
            reusable_trials(opened, search)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_truncation_and_flipped_bits_of_any_file_are_detected(run: Path, file: Path) -> None:
    rng = random.Random(str(file))
    original = (run / file).read_bytes()
    corrupt = [original[:size] for size in {0, 1, len(original) // 2, len(original) - 1}]
    for _ in range(12):
        index, bit = rng.randrange(len(original)), rng.randrange(8)
        corrupt.append(original[:index] + bytes([original[index] ^ 1 << bit]) + original[index + 1 :])
    for content in corrupt:
        (run / file).write_bytes(content)
        with open_run(run) as opened, pytest.raises(ArtifactError) as caught:
            opened.artifact(file.parts[0]).verify()
        assert str(run / file) in caught.value.message
        assert "run 'lstm " in caught.value.hint


@pytest.mark.parametrize("make", ["fifo", "folder", "link", "device"])
def test_only_regular_files_are_read(
    run: Path, tmp_path: Path, read_artifact: Callable[[str], list[str]], make: str
) -> None:
    file = run / "model/0001/model.onnx"
    shutil.move(file, tmp_path / "outside")  # the content is valid, but not the location
    if make == "fifo":
        os.mkfifo(file)
    elif make == "folder":
        file.mkdir()
    else:
        file.symlink_to(tmp_path / "outside" if make == "link" else "/dev/zero")
    errors = read_artifact("model")
    assert len(errors) == len(READERS["model"])
    assert all("model.onnx is corrupt" in error for error in errors)


def test_a_graph_with_values_in_another_file_is_refused(
    run: Path, tmp_path: Path, read_artifact: Callable[[str], list[str]]
) -> None:
    import onnx

    graph = onnx.load_model_from_string((run / "model/0001/model.onnx").read_bytes())
    tensor = graph.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "../../../../etc/passwd"), ("offset", "0"), ("length", "8")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    forge(run, Path("model/0001/model.onnx"), graph.SerializeToString())
    assert any("has values in another file" in error for error in read_artifact("model"))


def test_a_graph_of_another_model_is_refused(run: Path, read_artifact: Callable[[str], list[str]]) -> None:
    """Graph and checksum are valid, but the windows of the graph have another length."""
    about = json.loads((run / "model/0001/model.json").read_bytes())
    about["settings"]["lookback"] = 9
    forge(run, Path("model/0001/model.json"), json.dumps(about).encode())
    read_artifact("model")
