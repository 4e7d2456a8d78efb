"""Tests of a quantized classifier: its scores, its limits, and the verbs that use it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_results import Json
from small_classifier import trained_classifier

from lstm_cli.cli.main import run as lstm
from lstm_cli.inference.quantization import to_fp16, to_int8
from lstm_cli.rundir import open_run
from lstm_cli.steps.quantize.compare import relative_growth


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trained run. Tests must not change it."""
    return trained_classifier(tmp_path_factory.mktemp("quantize")) / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the trained run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def graph_of(run: Path, artifact: str) -> bytes:
    return open_run(run).artifact(artifact).bytes("model.onnx")


def zeroed(model: bytes, **_: object) -> bytes:
    """Return the graph with all weights set to zero: each class is equally likely."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(model)
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1 and not tensor.name.endswith("scale"):
            tensor.CopyFrom(numpy_helper.from_array(values * 0, tensor.name))
    return bytes(graph.SerializeToString())


@pytest.mark.parametrize("to", ["int8", "fp16"])
def test_both_classifiers_are_compared(run: Path, tmp_path: Path, as_json: Json, to: str) -> None:
    expected = as_json("evaluate", run, "--split", "val")
    report = as_json("quantize", run, "--to", to, "--max-loss", "99%")
    stored = graph_of(run, "quantized")
    trained = graph_of(run, "model")
    assert stored == (
        to_fp16(trained) if to == "fp16" else to_int8(trained, scratch=tmp_path, lstm_only=True)
    )
    assert report["size"] == {"fp32": len(trained), "quantized": len(stored)}
    assert report["metrics"]["fp32"] == pytest.approx(expected["metrics"])
    before, after = (report["metrics"][name]["log_loss"] for name in ("fp32", "quantized"))
    assert report["relative_to"] == max(before, 0.1)
    assert report["loss"] == pytest.approx((after - before) / report["relative_to"])
    comparison = open_run(run).artifact("quantized").json("comparison.json")
    assert (comparison["to"], comparison["metrics"]) == (to, report["metrics"])
    assert as_json("quantize", run, "--to", to, "--max-loss", "99%")["up_to_date"]
    assert as_json("verify", run)["broken"] == []


def test_a_worse_classifier_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    from lstm_cli.inference import quantization

    monkeypatch.setattr(quantization, "to_int8", zeroed)
    assert lstm(["quantize", str(run)]) == 5
    assert "log-loss of the int8 model grows by" in capfd.readouterr().err
    assert not open_run(run).has("quantized")


def test_the_quantized_classifier_answers_until_the_next_training(
    run: Path, as_json: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_cli.inference import quantization

    monkeypatch.setattr(quantization, "to_int8", zeroed)  # visible in each probability
    before = as_json("evaluate", run)
    as_json("quantize", run, "--max-loss", "99900%")
    scores = as_json("evaluate", run)  # the quantized model made the scores stale
    assert (before["precision"], scores["precision"], "up_to_date" in scores) == ("fp32", "int8", False)
    assert scores["metrics"]["log_loss"] == pytest.approx(np.log(2), abs=1e-6)
    output = run.parent / "classes.csv"
    assert as_json("predict", run, "-o", output)["precision"] == "int8"
    assert output.read_text().splitlines()[1].endswith(",0.500000,0.500000")
    assert as_json("predict", run, "-o", output, "--precision", "fp32")["precision"] == "fp32"
    assert not output.read_text().splitlines()[1].endswith(",0.500000,0.500000")
    assert as_json("evaluate", run, "--precision", "fp32")["metrics"] == before["metrics"]
    lstm(["train", str(run), "--model", "stacked", "--hidden", "3", "--epochs", "1", "--device", "cpu", "-q"])
    assert as_json("predict", run, "-o", output)["precision"] == "fp32"


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_a_precision_that_the_run_lacks_names_the_command_that_makes_it(
    trained: Path, tmp_path: Path, capfd: Any, verb: str
) -> None:
    output = ("-o", str(tmp_path / "out.csv")) if verb == "predict" else ()
    assert lstm([verb, str(trained), "--precision", "fp16", *output]) == 4
    assert f"hint: run 'lstm quantize {trained} --to fp16' first" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("before", "after", "least", "growth"),
    [
        (0.4, 0.5, 0.1, 0.25),
        (0.4, 0.3, 0.1, -0.25),
        (0.001, 0.002, 0.1, 0.01),  # the double of almost nothing
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 0.2, 0.0, 1.0),
        (None, 0.2, 0.0, 0.0),
        (0.4, float("nan"), 0.1, float("inf")),
        (0.4, None, 0.0, float("inf")),
    ],
)
def test_the_growth_of_an_error(
    before: float | None, after: float | None, least: float, growth: float
) -> None:
    assert relative_growth(before, after, least=least) == pytest.approx(growth)


def test_verify_finds_a_damaged_file_of_each_artifact(run: Path, as_json: Json) -> None:
    as_json("quantize", run, "--to", "fp16", "--max-loss", "99%")
    as_json("evaluate", run)
    files = [path for path in run.glob("*/0001/*") if path.is_file()]
    assert {path.parts[-3] for path in files} == {"data", "model", "quantized", "scores"}
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        report = as_json("verify", run, code=4)
        assert report["broken"] == [path.parts[-3]], path
        assert report["rebuild"]
        path.write_bytes(whole)
    assert as_json("verify", run)["broken"] == []
