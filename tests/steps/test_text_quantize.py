"""Tests of `quantize` for text, and of the precisions of `evaluate` and `predict`."""

import io
import json
from pathlib import Path

import pytest
from small_text_graph import small_text_graph, small_text_model
from small_text_run import commit_model

from lstm_cli.config import EvaluateConfig, PredictConfig, QuantizeConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.errors import QuantizationLoss
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.text import EvaluateTextReport
from lstm_cli.steps.predict import predict
from lstm_cli.steps.predict.text import PredictTextReport
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.quantize.text import QuantizeTextReport
from lstm_cli.text.store import load_data


@pytest.fixture
def lstm_run(text_run: Path) -> Path:
    """Return a run of text whose model is an LSTM with random weights."""
    with open_run(text_run) as opened:
        data = load_data(opened)
    model = small_text_model(size=data.vocabulary.size, units=64, deviation=0.1)
    commit_model(text_run, data, small_text_graph(model))
    return text_run


def loss_of(run: Path, precision: str) -> EvaluateTextReport:
    settings = EvaluateConfig(split="val", precision=precision, threads=1)
    report = evaluate(run, settings, ignore_events, force=True)
    assert isinstance(report, EvaluateTextReport)
    return report


def test_the_int8_model_is_smaller_and_is_the_one_that_serves(lstm_run: Path) -> None:
    before = loss_of(lstm_run, "fp32").metrics["loss"]
    report = quantize(lstm_run, QuantizeConfig(max_loss=0.005), ignore_events)
    assert isinstance(report, QuantizeTextReport)
    assert report.task == "generate"
    assert report.size["quantized"] < 0.6 * report.size["fp32"]
    assert report.metrics["fp32"]["loss"] == pytest.approx(before, rel=1e-5)
    after = loss_of(lstm_run, "auto")
    assert (after.precision, loss_of(lstm_run, "fp32").precision) == ("int8", "fp32")
    assert after.metrics["loss"] == pytest.approx(report.metrics["quantized"]["loss"], rel=1e-5)
    assert after.metrics["loss"] != before
    assert report.loss == pytest.approx(after.metrics["loss"] / before - 1, abs=1e-5)
    written = predict(
        *(lstm_run, None, PredictConfig(), ignore_events),
        stdout=io.BytesIO(),
        sampling=TextSampling(length=5),
    )
    assert isinstance(written, PredictTextReport)
    assert written.precision == "int8"
    assert quantize(lstm_run, QuantizeConfig(max_loss=0.005), ignore_events).up_to_date


def texts(run: Path, samples: int) -> list[str]:
    out = io.BytesIO()
    config = PredictConfig(samples=samples, format="json", precision="int8")
    predict(run, None, config, ignore_events, stdout=out, sampling=TextSampling(length=400))
    return [each["text"] for each in json.loads(out.getvalue())]


def test_more_samples_of_the_int8_model_do_not_change_the_first_ones(lstm_run: Path) -> None:
    with open_run(lstm_run) as opened:
        data = load_data(opened)
    commit_model(lstm_run, data, small_text_graph(small_text_model(size=data.vocabulary.size, units=64)))
    quantize(lstm_run, QuantizeConfig(max_loss=1), ignore_events)
    assert texts(lstm_run, 8)[:2] == texts(lstm_run, 2)


def test_a_model_that_loses_too_much_is_not_kept(lstm_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.steps.quantize import text

    with open_run(lstm_run) as opened:
        worse = small_text_model(size=load_data(opened).vocabulary.size, deviation=1.0)
    monkeypatch.setattr(text, "quantize_graph", lambda *args, **more: small_text_graph(worse))
    with pytest.raises(QuantizationLoss, match="the validation loss of the int8 model grows by"):
        quantize(lstm_run, QuantizeConfig(), ignore_events)
    with open_run(lstm_run) as opened:
        assert not opened.has("quantized")
