from dataclasses import replace
from pathlib import Path

import pytest

from lstm_cli.config import QuantizeConfig
from lstm_cli.errors import QuantizationLoss
from lstm_cli.events import ignore_events
from lstm_cli.inference.quantization import to_fp16
from lstm_cli.inference.trained_model import load_graph, load_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.quantize import quantize


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


@pytest.mark.parametrize(("model", "lstm_only"), [("segment", True), ("stacked", False)])
def test_the_linear_forecast_of_segment_stays_in_float_and_stacked_has_none(
    run: Path, monkeypatch: pytest.MonkeyPatch, model: str, lstm_only: bool
) -> None:
    from lstm_cli.inference import quantization
    from lstm_cli.steps import quantize as step

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
