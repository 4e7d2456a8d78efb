"""Tests of sessions: opening an ONNX file from its bytes, and forecasting."""

import dataclasses
import subprocess
import sys

import numpy as np
import onnx
import pytest
from small_graph import HORIZON, TARGETS, small_batch, small_graph

from lstm_cli.errors import CorruptArtifact
from lstm_cli.inference.session import open_session


@pytest.mark.parametrize("size", [1, 3, 257])
def test_a_graph_takes_any_batch_size(size: int) -> None:
    batch = small_batch(size)
    session = open_session(small_graph(), threads=1)
    forecast = session(*batch)
    assert forecast.shape == (size, HORIZON, TARGETS)
    assert forecast.dtype == np.float32
    alone = session(*(part[:1] for part in batch))
    np.testing.assert_allclose(forecast[:1], alone, atol=1e-6)


def test_views_and_float64_windows_are_accepted() -> None:
    past, future, mask = small_batch(5)
    session = open_session(small_graph(), threads=1)
    fortran = np.asfortranarray(past.astype(np.float64))
    np.testing.assert_array_equal(session(fortran, future, mask), session(past, future, mask))


@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (2, 2), (None, 0)])
def test_onnx_runtime_gets_the_number_of_threads(threads: int | None, expected: int) -> None:
    session = open_session(small_graph(), threads=threads)
    options = session.graph.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (expected, 1)


def test_a_session_cannot_be_changed() -> None:
    session = open_session(small_graph(), threads=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        session.graph = None  # type: ignore[assignment,misc]


@pytest.mark.parametrize(
    "broken",
    [b"", b"no protobuf at all " * 20, small_graph()[: len(small_graph()) // 2]],
    ids=["empty", "text", "cut"],
)
def test_invalid_bytes_are_a_corrupt_artifact(broken: bytes) -> None:
    with pytest.raises(CorruptArtifact) as caught:
        open_session(broken, threads=1)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_graph_with_other_inputs_is_refused() -> None:
    with pytest.raises(CorruptArtifact, match="not a model of lstm"):
        open_session(small_graph(names=("past", "mask", "future")[::-1]), threads=1)


def test_values_in_another_file_are_refused_even_if_it_exists(tmp_path, monkeypatch) -> None:
    model = onnx.load_model_from_string(small_graph())
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=64)
    monkeypatch.chdir(tmp_path)  # ONNX Runtime searches the file here
    with pytest.raises(CorruptArtifact, match="another file"):
        open_session(path.read_bytes(), threads=1)


def test_a_new_process_prints_no_output_and_loads_no_torch(tmp_path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(small_graph())
    program = (
        "import pathlib, sys\n"
        "from lstm_cli.inference.session import open_session\n"
        "assert 'onnxruntime' not in sys.modules\n"
        f"open_session(pathlib.Path({str(path)!r}).read_bytes(), threads=1)\n"
        "assert not {'torch', 'onnx', 'pandas', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
