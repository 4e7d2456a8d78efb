import os
import pickle
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from canary import Canary
from golden_run import forge
from small_run import VALUES, child, prepare, quantize, train, tree, wait_for

from lstm_cli.errors import CorruptArtifact, ForeignFolder, MissingArtifact, StaleArtifact
from lstm_cli.rundir import open, open_run, require_fresh, stale_sources

MODEL = Path("model/0001/weights.safetensors")
DATA = Path("data/0001/values.npy")


def test_files_are_read_as_they_were_written(run: Path) -> None:
    with open_run(run) as opened:
        assert opened.has("model")
        assert not opened.has("quantized")
        data = opened.artifact("data")
        values = data.array("values.npy")
        np.testing.assert_array_equal(values, VALUES)
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable
        assert data.json("scaler.json") == {"mean": [1.5, 2.5]}
        model = opened.artifact("model")
        assert model.bytes("weights.safetensors") == b"weights"
        assert model.path("model.onnx").read_bytes() == b"graph of weights"
    np.testing.assert_array_equal(values, VALUES)  # a memory map stays valid after the run is closed
    with pytest.raises(ValueError, match="closed"):
        data.bytes("scaler.json")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.zeros((), np.int64),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(3_000_000, dtype=np.float64)[::2],
        np.array(["2020-01-01", "NaT"], "datetime64[us]"),
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(2, 0, 1),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_any_array_is_read_as_it_was_written(tmp_path: Path, array: np.ndarray) -> None:
    prepare(tmp_path, array) if array.ndim else prepare(tmp_path, array.reshape(1))
    read = open_run(tmp_path).artifact("data").array("values.npy")
    np.testing.assert_array_equal(read, array if array.ndim else array.reshape(1))
    assert read.dtype == array.dtype
    # NumPy can also read the file.
    np.testing.assert_array_equal(np.load(tmp_path / DATA, allow_pickle=False), read)


def test_the_error_for_a_missing_run_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, problem in (("absent", "not found"), ("empty", "is empty")):
        with pytest.raises(MissingArtifact, match=problem) as caught:
            open_run(tmp_path / name)
        assert caught.value.hint == f"run 'lstm prepare DATA {tmp_path / name}' first"


def test_the_error_for_a_missing_artifact_names_the_step(tmp_path: Path) -> None:
    prepare(tmp_path / "my run")
    run = open_run(tmp_path / "my run")
    with pytest.raises(MissingArtifact, match="has no trained model") as caught:
        run.artifact("model")
    assert caught.value.hint == f"run 'lstm train \"{tmp_path}/my run\"' first"
    with pytest.raises(MissingArtifact, match="'lstm evaluate' has not run"):
        run.report("evaluate")
    with pytest.raises(MissingArtifact, match="no quantized model"):
        stale_sources(run, "quantized")


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("user file")
    with pytest.raises(ForeignFolder, match=r"it contains 'notes\.txt' but no run\.json"):
        open_run(tmp_path)
    with pytest.raises(ForeignFolder, match="is not a folder"):
        open_run(tmp_path / "notes.txt")
    with pytest.raises(ForeignFolder, match="is not a folder"):
        open_run(tmp_path / "notes.txt" / "load")


@pytest.mark.parametrize("file", [MODEL, Path("model/0001/model.onnx"), DATA, Path("data/0001/scaler.json")])
def test_flipped_bits_and_truncation_are_detected(run: Path, file: Path) -> None:
    original = (run / file).read_bytes()
    corrupt = [original[:size] for size in {0, 1, len(original) // 2, len(original) - 1}]
    corrupt.append(original + b"\0")
    for bit in range(0, 8 * len(original), max(1, len(original) // 25)):
        changed = bytearray(original)
        changed[bit // 8] ^= 1 << bit % 8
        corrupt.append(bytes(changed))
    artifact, step = ("model", "train") if file.parts[0] == "model" else ("data", "prepare DATA")
    for data in corrupt:
        (run / file).write_bytes(data)
        opened = open_run(run)  # a corrupt file is an error when it is read, not before
        for read in ("bytes", "path", "json", "array"):
            with pytest.raises(CorruptArtifact, match=f"{run / file} is corrupt") as caught:
                getattr(opened.artifact(artifact), read)(file.name)
            assert caught.value.hint == f"run 'lstm {step} {run}' again"
        with pytest.raises(CorruptArtifact):
            opened.artifact(artifact).verify()


def test_the_error_names_a_missing_file(run: Path) -> None:
    (run / MODEL).unlink()
    opened = open_run(run)
    assert opened.artifact("data").json("scaler.json")
    with pytest.raises(CorruptArtifact, match=f"{run / MODEL} is missing") as caught:
        opened.artifact("model").bytes(MODEL.name)
    assert "lstm train" in caught.value.hint
    with pytest.raises(CorruptArtifact, match=r"has no 'history\.jsonl'"):
        opened.artifact("model").bytes("history.jsonl")


def test_files_of_another_run_are_detected(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    prepare(other)
    train(other, b"WEIGHTS")
    shutil.rmtree(run / "model")
    shutil.copytree(other / "model", run / "model")
    with pytest.raises(CorruptArtifact):
        open_run(run).artifact("model").bytes(MODEL.name)
    weights, graph = other / MODEL, other / MODEL.parent / "model.onnx"
    content = weights.read_bytes()
    weights.write_bytes(graph.read_bytes())
    graph.write_bytes(content)
    with pytest.raises(CorruptArtifact):
        open_run(other).artifact("model").bytes("model.onnx")


@pytest.mark.parametrize("link", ["model", "model/0001", str(MODEL)])
def test_a_link_is_not_followed(run: Path, tmp_path: Path, link: str) -> None:
    (run / link).rename(tmp_path / "outside")  # the content is valid, but the file is a link
    (run / link).symlink_to(tmp_path / "outside")
    with pytest.raises(CorruptArtifact, match="link"):
        open_run(run).artifact("model").bytes(MODEL.name)


@pytest.fixture
def test_timeout() -> Iterator[None]:
    """Raise TimeoutError if a test hangs."""

    def stop(signum: int, frame: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.usefixtures("test_timeout")
def test_a_fifo_or_a_folder_in_place_of_a_file_does_not_hang(run: Path) -> None:
    for make in (os.mkfifo, os.mkdir):
        (run / MODEL).unlink()
        make(run / MODEL)
        with pytest.raises(CorruptArtifact, match="not a regular file"):
            open_run(run).artifact("model").bytes(MODEL.name)
        (run / MODEL).rmdir() if (run / MODEL).is_dir() else None
        (run / MODEL).touch()
    for make in (os.mkfifo, os.mkdir):
        (run / "run.json").unlink()
        make(run / "run.json")
        with pytest.raises(CorruptArtifact, match="not a regular file"):
            open_run(run)
        (run / "run.json").rmdir() if (run / "run.json").is_dir() else None
        (run / "run.json").touch()


def test_a_run_can_be_a_link_but_a_manifest_cannot(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    assert open_run(tmp_path / "link").artifact("model").bytes(MODEL.name) == b"weights"
    (run / "run.json").rename(tmp_path / "elsewhere.json")
    (run / "run.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(CorruptArtifact, match="link"):
        open_run(run)


def test_a_pickle_is_not_loaded_even_with_a_valid_checksum(run: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with (tmp_path / "objects.npy").open("wb") as file:
        np.save(file, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    for payload in ((tmp_path / "objects.npy").read_bytes(), pickle.dumps(Canary(canary))):
        fact = forge(run, DATA, payload)
        assert fact["size"] == len(payload)
        reader = open_run(run).artifact("data")
        for read in (reader.array, reader.json):
            with pytest.raises(CorruptArtifact, match="corrupt"):
                read(DATA.name)
    assert not canary.exists()


HEADERS = {
    "huge": {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2**40)},
    "negative": {"descr": "<f4", "fortran_order": False, "shape": (-1, -6)},
    "objects": {"descr": "|O", "fortran_order": False, "shape": (3,)},
    "short": {"descr": "<f4", "fortran_order": False, "shape": (5,)},
    "fortran": {"descr": "<f4", "fortran_order": True, "shape": (2, 3)},
    "nested": "(" * 5000,
    "text": "import os",
    "nothing": "",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_array_header_is_refused(run: Path, name: str) -> None:
    text = (
        repr(HEADERS[name])
        if name in HEADERS
        else {"nested": "(" * 5000, "text": "import os", "nothing": ""}[name]
    )
    header = text.encode() + b"\n"
    forge(run, DATA, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24))
    with pytest.raises(CorruptArtifact, match="corrupt"):
        open_run(run).artifact("data").array(DATA.name)


def test_hostile_json_in_an_artifact_is_refused(run: Path) -> None:
    for text in (b"[" * 100_000, b"[NaN]", b"1" * 10_000, b"\xff", b"{"):
        forge(run, Path("data/0001/scaler.json"), text)
        with pytest.raises(CorruptArtifact, match=r"scaler\.json is corrupt"):
            open_run(run).artifact("data").json("scaler.json")


def test_the_same_content_makes_no_artifact_stale(run: Path) -> None:
    quantize(run)
    prepare(run)
    train(run)
    assert (run / "data/0002").is_dir()
    opened = open_run(run)
    assert stale_sources(opened, "model") == stale_sources(opened, "quantized") == ()
    require_fresh(opened, "quantized")


def test_changed_sources_make_artifacts_stale(run: Path) -> None:
    quantize(run)
    prepare(run, VALUES + 1)
    opened = open_run(run)
    assert stale_sources(opened, "data") == ()
    assert stale_sources(opened, "model") == ("data",)
    assert stale_sources(opened, "quantized") == ("data",)
    with pytest.raises(StaleArtifact, match="the prepared data changed later") as caught:
        require_fresh(opened, "model")
    assert caught.value.hint == f"run 'lstm train {run}' again"
    with pytest.raises(StaleArtifact) as caught:
        require_fresh(opened, "quantized")
    assert caught.value.hint == f"run 'lstm train {run}', then 'lstm quantize {run}' again"

    train(run, b"other weights")
    opened = open_run(run)
    assert stale_sources(opened, "model") == ()
    assert stale_sources(opened, "quantized") == ("data", "model")
    prepare(run)
    train(run)  # the original content again
    assert stale_sources(open_run(run), "quantized") == ()


def test_a_quantized_model_of_a_stale_model_is_stale(run: Path) -> None:
    from lstm_cli.rundir import writing

    with writing(run, step="quantize") as writer:
        assert writer.run is not None
        writer.new("quantized").write_bytes("model.onnx", b"small")
        writer.commit(config={}, reads={"model": writer.run.artifact("model").digest}, report={})
    prepare(run, VALUES + 1)
    assert stale_sources(open_run(run), "quantized") == ("data",)


def test_a_reader_keeps_its_model_after_a_commit(run: Path) -> None:
    snapshot = open_run(run)
    prepare(run, VALUES + 1)
    train(run, b"other weights")
    assert not (run / MODEL).exists()
    assert snapshot.artifact("model").bytes(MODEL.name) == b"weights"
    assert snapshot.artifact("model").bytes("model.onnx") == b"graph of weights"
    np.testing.assert_array_equal(snapshot.artifact("data").array(DATA.name), VALUES)


def test_a_reader_reads_again_after_a_commit(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    original = open.read_manifest

    def swap_after_reading(path: Path, root: int) -> bytes | None:
        data = original(path, root)
        reads.append(data)
        if len(reads) == 1:
            monkeypatch.setattr(open, "read_manifest", original)  # not for the writer
            train(run, b"new weights")
            monkeypatch.setattr(open, "read_manifest", swap_after_reading)
        return data

    monkeypatch.setattr(open, "read_manifest", swap_after_reading)
    model = open_run(run).artifact("model")
    assert len(reads) == 2
    assert model.bytes(MODEL.name) == b"new weights"
    assert model.bytes("model.onnx") == b"graph of new weights"


def test_readers_during_twenty_commits_see_consistent_models(run: Path) -> None:
    source = """
while not (path.parent / "done").exists():
    model = rundir.open_run(path).artifact("model")
    weights = model.bytes("weights.safetensors")
    assert model.bytes("model.onnx") == b"graph of " + weights
print("done")
"""
    readers = [child(source, run) for _ in range(3)]
    for number in range(20):
        prepare(run, VALUES + number)
        train(run, b"model %d" % number)
    (run.parent / "done").touch()
    assert [wait_for(reader) for reader in readers] == [(0, "done\n", "")] * 3


def test_reading_writes_no_files_and_leaks_no_descriptors(run: Path) -> None:
    before, modified = tree(run), run.stat().st_mtime_ns
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(5):
        opened = open_run(run)
        opened.artifact("data").verify()
        opened.artifact("model").verify()
    del opened
    for broken in (run / "absent", Path(__file__)):
        with pytest.raises((MissingArtifact, ForeignFolder)):
            open_run(broken)
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors
    assert tree(run) == before
    assert run.stat().st_mtime_ns == modified
