"""Tests of an exported classifier: each file gives the probabilities of the run, and its JSON file describes it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_classifier import trained_classifier

from lstm_cli.cli.main import run as lstm
from lstm_cli.inference.sequence_session import open_sequence_session
from lstm_cli.inference.trained_model import load_graph
from lstm_cli.rundir import open_run
from lstm_cli.sequences.store import load_data

Export = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trained run. Tests must not change it."""
    return trained_classifier(tmp_path_factory.mktemp("export")) / "run"


@pytest.fixture
def export(capfd: pytest.CaptureFixture[str]) -> Export:
    def call(run: Path, *options: str) -> dict[str, Any]:
        capfd.readouterr()
        assert lstm(["export", str(run), *options, "--json"]) == 0
        report: dict[str, Any] = json.loads(capfd.readouterr().out)
        return report

    return call


def opened(to: str, path: Path) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the file as a function of values and lengths, in the runtime of its format."""
    if to == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return lambda values, lengths: session.run(None, {"values": values, "lengths": lengths})[0]
    import torch

    model = torch.jit.load(path) if to == "torchscript" else torch.export.load(path).module()
    return lambda *inputs: model(*map(torch.from_numpy, inputs)).numpy()


@pytest.mark.parametrize("to", ["onnx", "torchscript", "pt2"])
def test_each_file_gives_the_probabilities_of_the_run(
    trained: Path, tmp_path: Path, export: Export, to: str
) -> None:
    output = tmp_path / {"onnx": "m.onnx", "torchscript": "m.pt", "pt2": "m.pt2"}[to]
    report = export(trained, "--to", to, "-o", str(output))
    run = open_run(trained)
    data, about = load_data(run), json.loads(Path(report["about"]).read_text())
    session = open_sequence_session(load_graph(run, "fp32")[0], threads=1)
    classify = opened(to, output)
    for chosen in (np.array([3]), np.arange(7)):
        values, lengths = data.padded(chosen, about["max_length"]), data.lengths[chosen]
        expected, _ = session.probabilities(values, lengths)
        found = classify(values, lengths[:, None].astype(np.float32))
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (report["task"], report["precision"]) == ("classify", "fp32")
    assert report["difference"] is None if to == "onnx" else report["difference"] < 1e-5
    assert report["compared"] == (0 if to == "onnx" else 6)
    steps = "steps" if to == "onnx" else 14
    assert about["inputs"]["values"]["shape"] == ["batch", steps, 2] == report["shapes"]["values"]
    assert about["input_order"] == ["values", "lengths"]
    assert ("simple" in about["outputs"]) == (to == "onnx")
    assert about["classes"] == ["down", "up"]


def test_the_metadata_scale_values_of_the_file(trained: Path, tmp_path: Path, export: Export) -> None:
    about = json.loads(Path(export(trained, "-o", str(tmp_path / "m.onnx"))["about"]).read_text())
    lines = [line.split(",") for line in (trained.parent / "moves.csv").read_text().splitlines()[1:]]
    first = np.array([[float(cell) for cell in line[2:4]] for line in lines if line[0] == "0"])
    center, scale = ([about["scaling"][name][column] for column in "xy"] for name in ("center", "scale"))
    data = load_data(open_run(trained))
    np.testing.assert_allclose(data.values[: len(first)], (first - center) / scale, rtol=1e-5, atol=1e-6)


def test_the_sequences_of_each_split_are_padded(trained: Path, tmp_path: Path, export: Export) -> None:
    report = export(trained, "--to", "npz", "-o", str(tmp_path / "s.npz"))
    assert (report["precision"], report["shapes"]["X_train"]) == (None, [36, 14, 2])
    arrays = np.load(tmp_path / "s.npz", allow_pickle=False)
    data = load_data(open_run(trained))
    test = data.indices("test")
    assert arrays["id_test"].tolist() == [data.names[index] for index in test]
    assert arrays["y_test"].tolist() == data.labels[test].tolist()
    row = int(np.argmin(arrays["lengths_test"]))
    length = int(arrays["lengths_test"][row])
    begin = data.offsets[test[row]]
    np.testing.assert_array_equal(arrays["X_test"][row, :length], data.values[begin : begin + length])
    assert not arrays["X_test"][row, length:].any()


def test_a_quantized_classifier_is_exported_by_name(trained: Path, tmp_path: Path, export: Export) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    assert lstm(["quantize", str(run), "--max-loss", "99%", "-q"]) == 0
    report = export(run, "--precision", "int8")
    assert Path(report["output"]).name == "model.int8.onnx"
    assert Path(report["output"]).read_bytes() == load_graph(open_run(run), "int8")[0]


@pytest.mark.parametrize("to", ["keras", "h5"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_format_that_cannot_hold_the_model_is_refused(
    trained: Path, capfd: pytest.CaptureFixture[str], to: str, more: list[str]
) -> None:
    assert lstm(["export", str(trained), "--to", to, *more]) == 2
    assert "hint: use --to onnx, torchscript, pt2, safetensors or npz" in capfd.readouterr().err
    assert not (trained / "exports").exists()
