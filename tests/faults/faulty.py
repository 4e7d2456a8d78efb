"""Helpers of the fault tests. `make faults` runs more trials than the test suite."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from golden_run import GOLDEN, write_golden_data

FULL = os.environ.get("LSTM_FAULTS") == "full"
LINEAR = ["--parts", "linear", "--no-refit", "--threads", "1", "--no-tuned"]

Command = Callable[..., dict[str, Any]]


def trial_count(full: int, quick: int) -> int:
    """Return the number of trials, for `make faults` or for the test suite."""
    return int(os.environ.get("LSTM_FAULTS_COUNT", full)) if FULL else quick


@pytest.fixture(scope="session")
def command() -> Iterator[Command]:
    """Yield a function that runs a command line in a fork of a process with all imports; see zygote.py."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LSTM_")}
    environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "zygote.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    def call(*argv: object, **options: Any) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"argv": [str(word) for word in argv], **options}) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    yield call
    process.stdin.close()
    process.wait(timeout=1200)


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data file of the golden run."""
    path = tmp_path_factory.mktemp("data") / "panel.csv"
    write_golden_data(path)
    return path


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Return a random generator whose seed depends on the test and on LSTM_FAULTS_SEED."""
    return random.Random(os.environ.get("LSTM_FAULTS_SEED", "0") + request.node.nodeid)


def copy_golden(to: Path, *without: str) -> Path:
    """Copy the golden run without the given steps."""
    from lstm_cli.rundir import ARTIFACTS, manifest

    run = Path(shutil.copytree(GOLDEN / "run", to))
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    for artifact in ARTIFACTS.values():
        if artifact.made_by in without:
            steps.pop(artifact.made_by, None)
            shutil.rmtree(run / artifact.name, ignore_errors=True)
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))
    return run


def copy_two_models(to: Path, *, upper: float | None = None) -> Path:
    """Copy the golden run, and add a second model as its current one. The first one is kept.

    Args:
        to: new run directory.
        upper: upper bound of the forecasts of the second model.
    """
    from lstm_cli.rundir import writing

    run = copy_golden(to)
    with writing(run, step="train") as writer:
        assert writer.run is not None
        old, entry, folder = writer.run.artifact("model"), writer.run.entry("train"), writer.new("model")
        for file in old.files:
            content = old.bytes(file) + (b"\n" if file == "history.jsonl" else b"")
            if file == "model.json" and upper is not None:
                content = content.replace(b'"upper":[null]', b'"upper":[%r]' % upper)
            folder.write_bytes(file, content)
        reads, report = {"data": writer.run.digest("data")}, entry["report"]
        writer.commit(config=entry["config"], reads=reads, report=report, keep=2)
    return run


def copy_scorable(to: Path) -> Path:
    """Copy the golden run, and record a forecast that has come true."""
    from lstm_cli.config import PredictConfig
    from lstm_cli.events import ignore_events
    from lstm_cli.steps.predict import predict

    run = copy_golden(to)
    config = PredictConfig(record=True, origin="2024-04-20", threads=1)
    assert predict(run, None, config, ignore_events, receive=lambda forecast: None).recorded is not None
    return run


Digests = dict[str, str | None]


def states(before: Digests | None, after: Digests | None, order: Sequence[str]) -> list[Digests | None]:
    """Return the states of a run that a step may leave: with its first commits, in this order of the artifacts."""
    if before is None or after is None:
        return [before, after]
    result = [before]
    for name in order:
        result.append({**(result[-1] or {}), name: after[name]})
    assert result[-1] == after or not order
    return [*result, after]


def ledger_names(run: Path) -> list[str]:
    """Return the names of all files of the ledger. Each is read, so it is whole."""
    from lstm_cli.rundir import LEDGER, ledger

    names = sorted(
        path.name for path in (run / LEDGER).glob("*") if path.suffix in (ledger.FORECAST, ledger.ACTUAL)
    )
    for name in names:
        stem, dot, ending = name.partition(".")
        assert ledger.read_ledger_file(run, stem, dot + ending) is not None
    return names


def artifact_digests(run: Path) -> Digests | None:
    """Verify the run and return the digest of each artifact, or None if no step has finished."""
    from lstm_cli.errors import MissingArtifact
    from lstm_cli.rundir import ARTIFACTS, open_run, verify_run

    try:
        with open_run(run) as opened:
            assert [verdict.findings for verdict in verify_run(opened) if verdict.broken] == []
            return {name: opened.digest(name) for name in ARTIFACTS}
    except MissingArtifact:
        return None


def unnamed_files(run: Path) -> list[str]:
    """Return files and empty folders in the run that are not in its manifest or its ledger; see `ledger_names`."""
    from lstm_cli.rundir import LEDGER, open_run

    with open_run(run) as opened:
        kept = [record.get("steps", {}) for record in opened.models]
        listed = {
            run / name / wrote["folder"] / file
            for steps in (opened.steps, *kept)
            for entry in steps.values()
            for name, wrote in entry["wrote"].items()
            for file in wrote["files"]
        }
    files = {path for path in run.rglob("*") if not path.is_dir()}
    empty = {path for path in run.rglob("*") if path.is_dir() and not any(path.iterdir())}
    allowed = {run / "run.json", run / ".lock", *(run / LEDGER / name for name in ledger_names(run))}
    return sorted(str(path.relative_to(run)) for path in (files - listed - allowed) | empty)
