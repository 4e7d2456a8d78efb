from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import EvaluateConfig, QuantizeConfig
from lstm_cli.errors import QuantizationLoss
from lstm_cli.events import ignore_events
from lstm_cli.inference.quantization import to_fp16
from lstm_cli.inference.trained_model import load_graph, load_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.quantize import windows as step


def zeroed(model: bytes) -> bytes:
    """Return the graph with all weights set to zero, so it forecasts a constant."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(model)
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(values * 0, tensor.name))
    return bytes(graph.SerializeToString())


def test_both_models_are_compared(run: Path) -> None:
    report = quantize(run, QuantizeConfig(to="fp16"), ignore_events)
    reader = open_run(run).artifact("quantized")
    assert report.size["quantized"] == len(reader.bytes("model.onnx")) < report.size["fp32"]
    assert reader.json("comparison.json")["to"] == "fp16"
    assert report.loss == pytest.approx(report.mae_scaled["quantized"] / report.mae_scaled["fp32"] - 1)
    assert abs(report.loss) < 0.01
    assert all(latency > 0 for latency in report.latency_ms.values())
    # The validation rows judge the graph that has not seen them; what is kept is the shipped one, smaller.
    trained = open_run(run).report("train")
    assert report.mae_scaled["fp32"] == pytest.approx(trained["val"]["mae_scaled"], rel=1e-6)
    shipped, _ = load_graph(open_run(run), "fp32")
    assert reader.bytes("model.onnx") == to_fp16(shipped)
    assert report.size["fp32"] == len(shipped)


@pytest.mark.parametrize("to", ["fp16", "int8"])
def test_the_quantiles_of_both_models_are_compared(run: Path, to: str) -> None:
    """Compare fp32 with `evaluate --split val`. The quantized model has almost equal scores."""
    expected = evaluate(run, EvaluateConfig(split="val", precision="fp32", threads=1), ignore_events)
    report = quantize(run, QuantizeConfig(to=to, max_loss=1.0), ignore_events, force=True)
    assert report.wql is not None
    assert report.coverage is not None
    assert report.wql["fp32"] == pytest.approx(expected.wql, rel=1e-5)
    assert report.coverage["fp32"] == pytest.approx(expected.coverage, abs=0.5)
    assert report.wql["quantized"] == pytest.approx(report.wql["fp32"], rel=0.1)
    comparison = open_run(run).artifact("quantized").json("comparison.json")
    assert (comparison["wql"], comparison["coverage"]) == (report.wql, report.coverage)


def test_a_worse_model_has_worse_quantiles(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.inference import quantization

    monkeypatch.setattr(quantization, "to_int8", lambda graph, **how: zeroed(graph))
    report = quantize(run, QuantizeConfig(max_loss=1000.0), ignore_events, force=True)
    assert report.wql is not None
    assert report.wql["quantized"] > 2 * report.wql["fp32"]  # type: ignore[operator]
    assert report.coverage is not None
    assert report.coverage["quantized"]["80"] < report.coverage["fp32"]["80"] / 2  # type: ignore[operator]


def test_without_intervals_there_are_no_quantiles_to_compare(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "load_intervals", lambda reader: None)
    report = quantize(run, QuantizeConfig(to="fp16"), ignore_events)
    assert (report.wql, report.coverage) == ({}, {})


@pytest.mark.parametrize(("model", "lstm_only"), [("segment", True), ("stacked", False)])
def test_the_linear_forecast_of_segment_stays_in_float_and_stacked_has_none(
    run: Path, monkeypatch: pytest.MonkeyPatch, model: str, lstm_only: bool
) -> None:
    from lstm_cli.inference import quantization
    from lstm_cli.steps.quantize import windows as step

    requested = []

    def watched(graph: bytes, *, scratch: Path, lstm_only: bool) -> bytes:
        requested.append(lstm_only)
        return graph

    named = replace(load_model(open_run(run)), name=model)
    monkeypatch.setattr(step, "load_model", lambda reader: named)
    monkeypatch.setattr(step, "require_scoring", lambda *given, **named: None)
    monkeypatch.setattr(quantization, "to_int8", watched)
    quantize(run, QuantizeConfig(), ignore_events, force=True)
    assert set(requested) == {lstm_only}


def test_too_much_loss_is_refused_and_the_old_one_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.inference import quantization

    def ruined(model: bytes, **how: object) -> bytes:
        """Return the graph with all LSTM weights set to zero."""
        import numpy as np
        import onnx
        from onnx import numpy_helper

        graph = onnx.load_model_from_string(model)
        read = {name for node in graph.graph.node if node.op_type == "LSTM" for name in node.input}
        for tensor in graph.graph.initializer:
            if tensor.name in read or "correct" in tensor.name:
                values = numpy_helper.to_array(tensor)
                if values.dtype == np.float32:
                    tensor.CopyFrom(numpy_helper.from_array(values * 0 + 3, tensor.name))
        return bytes(graph.SerializeToString())

    before = open_run(run).digest("quantized")
    monkeypatch.setattr(quantization, "to_int8", ruined)
    with pytest.raises(QuantizationLoss, match=r"grows by"):
        quantize(run, QuantizeConfig(), ignore_events)
    assert open_run(run).digest("quantized") == before
    assert len(list((run / "quantized").iterdir())) == 1
