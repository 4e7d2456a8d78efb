"""Tests of docs/how-to/text.md: its program writes what `predict` writes, and the demo has its commands."""

import ast
import io
import re
import subprocess
import sys
from pathlib import Path

from fenced import DOCS, blocks
from small_text_run import make_text_run

from lstm_cli.config import ExportConfig, PredictConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.events import ignore_events
from lstm_cli.steps.export import export
from lstm_cli.steps.predict import predict

PAGE = "how-to/text.md"
PROGRAM = blocks(PAGE, "python")[0]


def test_the_program_needs_numpy_and_onnx_runtime_only() -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(PROGRAM))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported == {"json", "sys", "numpy", "onnxruntime"}


def test_the_program_writes_what_predict_writes(tmp_path: Path) -> None:
    run = make_text_run(tmp_path, lines=200)
    export(run, ExportConfig(output=str(tmp_path / "book.onnx")), ignore_events)
    # At a low temperature, the most probable character always wins, so no random number matters.
    (tmp_path / "write.py").write_text(PROGRAM.replace("/ 0.8)", "/ 0.001)"))
    command = [sys.executable, "-I", "write.py", "book.onnx", "The", "60"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    out = io.BytesIO()
    sampling = TextSampling(prompt="The", length=60, temperature=0)
    predict(run, None, PredictConfig(), ignore_events, stdout=out, sampling=sampling)
    assert done.stdout.removesuffix("\n") == out.getvalue().decode().removesuffix("\n")


def test_the_demo_has_the_commands_of_the_page() -> None:
    script = (DOCS.parent / "sample_data" / "demo_text.sh").read_text().replace('"$run"', "runs/book")
    steps = re.findall(r"^show lstm (\w+)", script, flags=re.MULTILINE)
    assert steps == ["prepare", "train", "evaluate", "quantize", "predict"]
    first = blocks(PAGE, "sh")[0].splitlines()
    assert [line.split()[1] for line in first] == [step for step in steps if step != "quantize"]
    assert f"show {first[0]}\n" in script
