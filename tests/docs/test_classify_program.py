"""Test that runs the Python program of docs/how-to/classify.md, with the exported files only."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from fenced import blocks
from small_classifier import trained_classifier

from lstm_cli.cli.main import run as lstm

PROGRAM = blocks("how-to/classify.md", "python")[0]


def test_the_program_classifies_as_predict_does(tmp_path: Path) -> None:
    folder, elsewhere = trained_classifier(tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir()
    run, data, output = str(folder / "run"), str(folder / "moves.csv"), tmp_path / "classes.csv"
    assert lstm(["export", run, "-o", str(elsewhere / "classes.onnx"), "-q"]) == 0
    assert lstm(["predict", run, data, "-o", str(output), "-q"]) == 0
    (elsewhere / "classify.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-I", "classify.py", data, "classes.onnx"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found, expected = (list(csv.DictReader(io.StringIO(text))) for text in (done.stdout, output.read_text()))
    assert len(found) == len(expected) == 60
    for own, row in zip(found, expected, strict=True):
        assert (own["id"], own["predicted"]) == (row["id"], row["predicted"])
        assert list(own) == list(row)
        assert float(own["p_up"]) == pytest.approx(float(row["p_up"]), abs=2e-6)
