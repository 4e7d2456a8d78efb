"""Tests of an exported text model and its JSON file."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from lstm_cli.config import ExportConfig
from lstm_cli.errors import UsageError
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_text import load_text_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.dry_run import plan_export
from lstm_cli.steps.export import export
from lstm_cli.text.vocabulary import load_vocabulary


def test_the_file_and_its_json_are_a_complete_model(text_run: Path) -> None:
    output = text_run.parent / "book.onnx"
    config = ExportConfig(output=str(output))
    assert str(output) in str(plan_export(text_run, config).to_json())
    report = export(text_run, config, ignore_events)
    assert (report.task, report.precision, report.size) == ("generate", "fp32", output.stat().st_size)
    about = json.loads(Path(report.about).read_text())
    with open_run(text_run) as opened:
        model = load_text_model(opened, precision="fp32", threads=1)
    vocabulary = load_vocabulary(about["vocabulary"])
    tokens = vocabulary.encode("The old cat")[None].astype(np.int64)
    shape = about["inputs"]["state"]["shape"]
    assert [shape[0], shape[2]] == [model.session.states, model.session.units]
    inputs = dict(
        zip(about["input_order"], (tokens, np.zeros((shape[0], 1, shape[2]), np.float32)), strict=True)
    )
    logits, _ = onnxruntime.InferenceSession(output).run(list(about["outputs"]), inputs)
    assert logits.shape == (1, 11, about["outputs"]["logits"]["shape"][2])
    np.testing.assert_array_equal(logits, model.session.step(tokens, model.session.start())[0])


@pytest.mark.parametrize("to", ["keras", "torchscript", "npz"])
def test_other_formats_are_refused(text_run: Path, to: str) -> None:
    with pytest.raises(UsageError, match=f"--to {to} does not support text") as refused:
        export(text_run, ExportConfig(to=to), ignore_events)
    assert refused.value.hint == "use --to onnx or safetensors"
