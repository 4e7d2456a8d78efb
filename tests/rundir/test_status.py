"""Tests of `verify`: broken and stale artifacts, and the commands that repair them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import VALUES, prepare, quantize, train

from lstm_cli.errors import CorruptArtifact, StaleArtifact
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run, require_fresh, verify_run, writing
from lstm_cli.steps.verify import VerifyReport, verify

MODEL = Path("model/0001/model.onnx")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_link(path: Path) -> None:
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(path.parents[3] / "elsewhere")


def test_an_intact_run(run: Path) -> None:
    quantize(run)
    progress: list[int] = []
    with open_run(run) as opened:
        verdicts = verify_run(opened, progress.append)
    assert [
        (verdict.artifact, verdict.folder, verdict.state, verdict.findings, verdict.rebuild)
        for verdict in verdicts
    ] == [
        ("data", "data/0001", "ok", (), ""),
        ("model", "model/0001", "ok", (), ""),
        ("quantized", "quantized/0001", "ok", (), ""),
    ]
    sizes = [path.stat().st_size for path in run.glob("*/*/*")]
    assert sum(progress) == sum(sizes)
    assert sum(verdict.size for verdict in verdicts) == sum(sizes)
    assert sum(verdict.files for verdict in verdicts) == len(sizes)


@pytest.mark.parametrize(
    ("spoil", "state", "problem"),
    [
        (Path.unlink, "missing", "is missing"),
        (flip, "damaged", "checksum mismatch"),
        (truncate, "damaged", "15 bytes instead of 16"),
        (replace_by_fifo, "damaged", "not a regular file"),
        (replace_by_link, "damaged", "the file or its folder is a link"),
        (lambda path: shutil.rmtree(path.parent), "missing", "is missing"),
    ],
)
def test_a_broken_artifact_is_reported_with_the_command_that_makes_it(
    run: Path, spoil: Callable[[Path], object], state: str, problem: str
) -> None:
    spoil(run / MODEL)
    with pytest.raises(CorruptArtifact, match="has 1 corrupt artifact: trained model") as caught:
        verify(run, ignore_events)
    assert caught.value.exit_code == 4
    assert caught.value.hint == f"run 'lstm train {run}'"
    report = caught.value.report
    assert isinstance(report, VerifyReport)
    assert [line["state"] for line in report.artifacts] == ["ok", state]
    assert any(
        f"{run / MODEL}" in finding and problem in finding for finding in report.artifacts[1]["findings"]
    )
    assert report.broken == ("model",)
    train(run)
    assert verify(run, ignore_events).broken == ()


def test_a_stale_artifact_is_reported_and_not_broken(run: Path) -> None:
    quantize(run)
    prepare(run, VALUES + 1)
    report = verify(run, ignore_events)
    assert (report.broken, report.stale) == ((), ("model", "quantized"))
    assert report.rebuild == (f"lstm train {run}", f"lstm quantize {run}")
    assert list(report.artifacts[1]["findings"]) == [
        "the trained model is out of date: the prepared data changed later"
    ]


def test_stale_scores_are_out_of_date(run: Path) -> None:
    with writing(run, step="evaluate") as writer:
        writer.new("scores").write_bytes("scores.json", b"{}")
        writer.commit(config={}, reads={"model": writer.run.digest("model")}, report={})
    train(run, b"others")
    assert list(verify(run, ignore_events).artifacts[2]["findings"]) == [
        "the scores are out of date: the trained model changed later"
    ]
    with (
        open_run(run) as opened,
        pytest.raises(StaleArtifact, match=r"the scores of .* are out of date: the trained model changed"),
    ):
        require_fresh(opened, "scores")


def test_a_corrupt_manifest_is_reported_first(run: Path) -> None:
    flip(run / "run.json")
    with pytest.raises(CorruptArtifact, match=r"run\.json is corrupt"):
        verify(run, ignore_events)


def test_a_file_without_read_permission_is_unreadable(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.open

    def refuse(path: object, *arguments: object, **options: object) -> int:
        if path == "model.onnx":
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    with open_run(run) as opened:
        verdicts = verify_run(opened)
    assert [verdict.state for verdict in verdicts] == ["ok", "unreadable"]
    assert verdicts[1].broken


def test_a_large_file_is_read_in_pieces_and_no_heavy_package_is_loaded(tmp_path: Path) -> None:
    import numpy as np

    run = tmp_path / "run"
    prepare(run, np.zeros((150_000, 200), np.float32))  # 120 MB
    source = """
import sys
from lstm_cli.cli.main import run
code = run(["verify", sys.argv[1]])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
heavy = {"torch", "pandas", "sklearn", "numpy", "onnx", "onnxruntime"} & set(sys.modules)
print(code, int(peak.split()[1]) // 1024, sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", source, run], capture_output=True, text=True, timeout=1200)
    code, peak, heavy = done.stderr.splitlines()[-1].split(" ", 2)
    assert (code, heavy) == ("0", "[]"), done.stderr
    assert int(peak) < 80
