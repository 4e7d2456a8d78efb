"""Tests of kept models: which folders stay, rollbacks by one rename, and what `run.json` says about them."""

import copy
import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from small_run import child, prepare, quantize, tree, wait_for

from lstm_cli import rundir
from lstm_cli.errors import CorruptArtifact
from lstm_cli.events import ignore_events
from lstm_cli.rundir import list_versions, manifest, open_run, open_version, version_number
from lstm_cli.rundir.manifest import versions
from lstm_cli.steps.refresh.decide import last_training
from lstm_cli.steps.verify import VerifyReport, verify


def train(path: Path, weights: bytes, keep: int = 3, config: dict[str, Any] | None = None) -> None:
    with rundir.writing(path, step="train") as writer:
        folder = writer.new("model")
        folder.write_bytes("weights.safetensors", weights)
        data = {"data": writer.run.digest("data")}
        writer.commit(config=config or {}, reads=data, report={"val": {"mase": 0.5}}, keep=keep)


def roll_back(path: Path, folder: str) -> None:
    with rundir.writing(path, step="train") as writer:
        writer.roll_back(folder)


def weights(run: Path) -> bytes:
    with open_run(run) as opened:
        return opened.artifact("model").bytes("weights.safetensors")


def folders(run: Path, artifact: str = "model") -> list[str]:
    return sorted(path.name for path in (run / artifact).iterdir())


def served(run: Path) -> list[int]:
    """Return the versions in the order in which they served last, and check that each one kept can be read."""
    with open_run(run) as opened:
        for record in versions.kept_versions(opened.models):
            with open_version(run, record) as version:
                version.artifact("model").verify()
        return [version_number(record) for record in list_versions(opened.steps, opened.models)]


def test_twenty_trainings_leave_the_kept_folders(run: Path) -> None:
    for number in range(20):
        train(run, b"weights %d" % number, keep=3)
    assert folders(run) == ["0019", "0020", "0021"]
    assert served(run) == list(range(1, 22))
    train(run, b"last", keep=1)
    assert folders(run) == ["0022"]
    train(run, b"one more", keep=5)
    assert folders(run) == ["0022", "0023"]


def test_a_year_of_models_has_a_limit(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_RECORDS", 4)
    for number in range(6):
        train(run, b"weights %d" % number)
    assert served(run) == [4, 5, 6, 7]


def test_a_rollback_and_back_again(run: Path) -> None:
    quantize(run, b"int8 of 1")
    train(run, b"second")
    quantize(run, b"int8 of 2")
    assert folders(run, "quantized") == ["0001", "0002"]
    before = open_run(run)
    roll_back(run, "0001")
    assert (weights(run), served(run)) == (b"weights", [2, 1])
    with open_run(run) as opened:
        assert opened.artifact("quantized").bytes("model.onnx") == b"int8 of 1"
        assert rundir.stale_sources(opened, "quantized") == ()
    roll_back(run, "0002")
    after = open_run(run)
    assert after.steps == before.steps
    periods = [period["by"] for period in after.models[-1]["served"]]
    assert periods == ["train", "rollback"]
    train(run, b"third", keep=2)  # keeps the model that served before it
    assert (folders(run), served(run)) == (["0002", "0003"], [1, 2, 3])
    assert folders(run, "quantized") == ["0002"]


def test_a_rollback_renames_only_the_manifest(run: Path) -> None:
    train(run, b"second")
    before = tree(run)
    roll_back(run, "0001")
    after = tree(run)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"run.json"}


def test_a_corrupt_quantized_model_is_left_out(run: Path) -> None:
    quantize(run)
    train(run, b"second")
    with rundir.writing(run, step="train") as writer:
        writer.roll_back("0001", with_quantized=False)
    with open_run(run) as opened:
        assert "quantize" not in {step for record in opened.models for step in record.get("steps", {})}


def test_the_number_of_a_lost_folder_is_not_used_again(run: Path) -> None:
    shutil.rmtree(run / "model")
    train(run, b"second")
    assert folders(run) == ["0002"]


def test_a_killed_rollback_leaves_the_old_or_the_new_model(run: Path) -> None:
    train(run, b"second")
    source = """
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with rundir.writing(path, step="train") as writer:
    writer.roll_back("0001")
"""
    assert wait_for(child(source, run))[0] == -signal.SIGKILL
    assert weights(run) == b"second"
    roll_back(run, "0001")
    assert weights(run) == b"weights"
    prepare(run)  # the writer of any step cleans up, and keeps the earlier model
    assert folders(run) == ["0001", "0002"]


def test_the_scores_of_a_model_stay_with_it(run: Path) -> None:
    with rundir.writing(run, step="evaluate") as writer:
        writer.new("scores").write_json("scores.json", {})
        reads = {name: writer.run.digest(name) for name in ("data", "model")}
        report = {"split": "test", "windows": 9, "metrics": {"mase": 0.7, "mae": 1.0}, "wql": 0.1}
        writer.commit(config={}, reads=reads, report=report)
    train(run, b"second")
    train(run, b"third")
    with open_run(run) as opened:
        first, second, third = opened.models
        assert first["scores"]["mase"] == 0.7
        assert "mae" not in first["scores"]
        assert second["scores"] is None
        assert versions.scores_of(opened.steps, third["digest"]) is None


def test_a_corrupt_earlier_model_is_reported_and_can_be_dropped(run: Path) -> None:
    train(run, b"second")
    assert [line["folder"] for line in verify(run, ignore_events).artifacts] == [
        "data/0001",
        "model/0002",
        "model/0001",
    ]
    (run / "model/0001/model.onnx").write_bytes(b"x")
    with pytest.raises(CorruptArtifact, match="1 corrupt artifact: trained model, version 1") as caught:
        verify(run, ignore_events)
    assert caught.value.hint == f"run 'lstm history {run} --drop 1'"
    assert isinstance(caught.value.report, VerifyReport)
    with rundir.writing(run, step="train") as writer:
        writer.drop_version("0001")
    assert folders(run) == ["0002"]
    assert verify(run, ignore_events).broken == ()
    assert served(run) == [1, 2]


# The manifest


def rewrite(run: Path, document: dict[str, Any]) -> None:
    """Write a manifest with a valid checksum."""
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    digest = hashlib.sha256(body).hexdigest().encode()
    (run / "run.json").write_bytes(b'{"checksum":"' + digest + b'",' + body[1:])


def read(run: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run / "run.json").read_bytes())
    del document["checksum"]
    return document


def test_a_run_of_an_older_release_has_one_version(run: Path) -> None:
    document = read(run)
    del document["models"]
    rewrite(run, document)
    with open_run(run) as opened:
        [record] = list_versions(opened.steps, opened.models)
        assert (record["folder"], record["made_by"], opened.models) == ("0001", "train", ())
    train(run, b"second")
    assert (folders(run), served(run)) == (["0001", "0002"], [1, 2])


def test_an_older_release_reads_the_steps_of_a_newer_run(run: Path) -> None:
    """It ignores the versions, drops them at its next commit, and removes the folders that no step names."""
    train(run, b"second")
    document = read(run)
    assert document["schema"] == 2
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    assert steps == document["steps"]


FORGED = {
    "a text": lambda models: "0001",
    "a number": lambda models: [1],
    "a path": lambda models: [models[0] | {"folder": "../0001"}],
    "no digest": lambda models: [models[0] | {"digest": None}],
    "no periods": lambda models: [models[0] | {"served": []}],
    "an invalid period": lambda models: [models[0] | {"served": [{"since": 1}]}],
    "twice": lambda models: [models[0], models[0]],
    "other steps": lambda models: [models[0] | {"steps": {"prepare": {}}}],
    "no steps": lambda models: [models[0] | {"steps": {}}],
    "an invalid step": lambda models: [models[0] | {"steps": {"train": []}}],
    "another folder": lambda models: [models[0] | {"folder": "0007"}],
    "other files": lambda models: [models[0] | {"digest": "0" * 64}],
}


@pytest.mark.parametrize("forged", FORGED)
def test_forged_versions_are_corrupt(run: Path, forged: str) -> None:
    train(run, b"second")
    document = read(run)
    document["models"] = FORGED[forged](copy.deepcopy(document["models"]))
    rewrite(run, document)
    with pytest.raises(CorruptArtifact, match=r"run\.json is corrupt"):
        open_run(run)


def verdict(path: Path, kind: str, at: int) -> None:
    with rundir.writing(path, step="train") as writer:
        writer.add_verdict(
            {"at": f"2026-01-01T00:{at:02d}:00Z", "verdict": kind, "text": kind, "newest_us": at}
        )


def newest_training(path: Path) -> tuple[int, str]:
    with open_run(path) as opened:
        last, trained_at = last_training(opened)
    assert last is not None
    assert trained_at is not None
    return last["newest_us"], last["verdict"]


def test_the_verdict_of_the_last_training_stays_after_many_nights_and_a_rollback(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, the next night would count rows that a training has compared, and train for them again."""
    monkeypatch.setattr(versions, "MAX_VERDICTS", 5)
    train(run, b"first")
    train(run, b"second")
    for at, kind in enumerate(["replaced", "kept", *8 * ["not trained"]]):
        verdict(run, kind, at)
    assert newest_training(run) == (1, "kept")
    with open_run(run) as opened:
        kinds = [each["verdict"] for each in opened.models[-1]["verdicts"]]
    assert kinds == ["replaced", "kept", *5 * ["not trained"]]
    roll_back(run, "0001")
    assert newest_training(run) == (1, "kept")
    verdict(run, "failed", 30)
    train(run, b"third")
    assert newest_training(run) == (30, "failed")
