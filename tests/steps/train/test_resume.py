"""Tests of resuming training from a checkpoint, and of checkpoints that cannot be used."""

import dataclasses
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from canary import Canary
from log_lines import untimed
from small_steps import PREPARE, TRAIN, model_files, write_panel

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.errors import ArtifactError, DeviceError, Interrupted, OutputError, TrainingDiverged
from lstm_cli.events import EpochEnded, Event, Note, WarningRaised, ignore_events
from lstm_cli.rundir import Checkpoint, open_run, writing
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import checkpointing, train
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import train_and_commit
from lstm_cli.training import train_model
from lstm_cli.training.recipes.automatic_choices import TransformedData, choose_transforms

STARTS: dict[tuple[bytes, str], TransformedData] = {}


@pytest.fixture(autouse=True)
def fit_linear_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit the linear forecast of equal data only once for all tests."""

    def choose_once(dataset: Dataset, config: TrainConfig, **options: Any) -> TransformedData:
        key = (dataset.values_scaled.tobytes(), config.log_transform)
        if key not in STARTS:
            STARTS[key] = choose_transforms(dataset, config, **options)
        return STARTS[key]

    monkeypatch.setattr(train_model, "choose_transforms", choose_once)


def interrupt_after(
    run: Path, epochs_seen: int, config: TrainConfig = TRAIN, *, steps: int = 0, **options: Any
) -> list[Event]:
    """Return the events of a training that a signal ends `steps` checks after the given number of epochs."""
    events: list[Event] = []
    checks = count()

    def should_stop() -> int | None:
        if len(epochs(events)) < epochs_seen or next(checks) < steps:
            return None
        return signal.SIGTERM

    with pytest.raises(Interrupted) as ended:
        train(run, config, events.append, force=True, should_stop=should_stop, **options)
    assert ended.value.exit_code == 143
    return events


def texts(events: list[Event], kind: type = Note) -> list[str]:
    return [
        event.finding.text if isinstance(event, WarningRaised) else event.text
        for event in events
        if isinstance(event, kind)
    ]


def resume_notes(events: list[Event]) -> list[str]:
    return [text for text in texts(events) if text.startswith("resuming training")]


def epochs(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.part, event.epoch) for event in events if isinstance(event, EpochEnded)]


@pytest.fixture(scope="module")
def interrupted_run(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained run with a checkpoint of its next training: one network finished, one started."""
    run = Path(shutil.copytree(trained, tmp_path_factory.mktemp("interrupted") / "run"))
    events = interrupt_after(run, 3, steps=20)
    assert epochs(events) == [("anchored", 0), ("anchored", 1), ("free", 0)]
    return run


@pytest.fixture
def interrupted(interrupted_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted_run, tmp_path / "run"))


def test_training_interrupted_three_times_writes_the_same_bytes(
    interrupted: Path,
) -> None:
    before = model_files(interrupted)
    first = interrupt_after(interrupted, 0)
    assert resume_notes(first) == [
        "resuming training: linear forecast finished, anchored finished, "
        "free at epoch 0/1 (--fresh starts over)"
    ]
    second = interrupt_after(interrupted, 2)
    assert epochs(second) == [("free", 1), ("anchored", 1)]  # the second one is of the refit
    events: list[Event] = []
    report = train(interrupted, TRAIN, events.append)
    assert (
        "linear forecast finished, anchored finished, free finished, refit of linear forecast finished, "
        "refit of anchored finished, refit of free at epoch 0/1 (--fresh" in resume_notes(events)[0]
    )
    assert epochs(events) == [("free", 1)]  # of the refit
    assert model_files(interrupted) == before
    assert report.epochs_run == 1
    assert not (interrupted / "checkpoint").exists()
    assert texts(events, WarningRaised) == list(report.warnings)


def test_an_interrupt_hints_at_resuming(interrupted: Path) -> None:
    with pytest.raises(Interrupted) as ended:
        train(interrupted, TRAIN, ignore_events, should_stop=lambda: signal.SIGINT)
    assert ended.value.hint == "run the same command again to resume the training"
    assert open_run(interrupted).artifact("model").folder.name == "0001"


def test_other_settings_need_fresh(interrupted: Path) -> None:
    before = {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()}
    other = dataclasses.replace(TRAIN, lr=3e-3, parts=("free",), threads=2)
    with pytest.raises(ArtifactError) as refused:
        train(interrupted, other, ignore_events)
    assert refused.value.exit_code == 4
    assert refused.value.message == (
        f"{interrupted / 'checkpoint'} has an unfinished training with other settings: "
        "--parts default (now free), --lr 0.001 (now 0.003)"
    )
    assert "--fresh" in refused.value.hint
    assert {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()} == before
    events = interrupt_after(interrupted, 0, other, fresh=True)
    assert not resume_notes(events)
    assert "discarding the checkpoint of an earlier training (--fresh)" in texts(events)
    assert not (interrupted / "checkpoint").exists()


def test_other_steps_discard_a_checkpoint_with_other_settings(interrupted: Path) -> None:
    events: list[Event] = []
    with (
        writing(interrupted, step="train") as writer,
        pytest.raises(Interrupted),
    ):
        train_and_commit(
            writer,
            dataclasses.replace(TRAIN, lr=3e-3),
            events.append,
            policy=CheckpointPolicy(reject_other_settings=False),
            should_stop=lambda: signal.SIGINT,
        )
    (warning,) = texts(events, WarningRaised)
    assert "other settings, --lr 0.001 (now 0.003): checkpoint discarded" in warning
    assert not (interrupted / "checkpoint").exists()


def change_data(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_panel(run.parent / "other.csv", seed=9)
    prepare(str(source), run, PREPARE, ignore_events)


def change_release(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = checkpointing.library_versions
    monkeypatch.setattr(checkpointing, "library_versions", lambda: {**real(), "lstm-cli": "0.0.9"})


def truncate(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = max((run / "checkpoint").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])


def flip_bit(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = run / "checkpoint" / "training.json"
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes([data[200] ^ 4]) + data[201:])


def write_pickle(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (run / "checkpoint").iterdir():
        path.write_bytes(pickle.dumps(Canary(run / "canary")))


def rewrite(run: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """Write a checkpoint with changed content and correct checksums."""
    stored = Checkpoint(run).read()
    assert stored is not None
    about, files = dict(stored.about), dict(stored.files)
    change(about, files)
    Checkpoint(run).write(about, files)


def remove_tensors(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(run, lambda about, files: files.update(free=b"x" * 100, anchored=b"y"))


def write_huge_header(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = (2**63 - 1).to_bytes(8, "little") + b"{}"
    rewrite(run, lambda about, files: files.update(dict.fromkeys(files, header)))


def change_plan(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(about: dict[str, Any], files: dict[str, bytes]) -> None:
        for facts in about["trainings"].values():
            if "plan" in facts:  # only networks have a plan
                facts["plan"]["epochs"] = 7

    rewrite(run, change)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (change_data, "the data changed after the checkpoint was written"),
        (change_release, "made by another release (lstm-cli "),
        (truncate, "checkpoint is corrupt: checksum mismatch in 000"),
        (flip_bit, "checkpoint is corrupt: checksum mismatch"),
        (write_pickle, "checkpoint is corrupt: checksum mismatch"),
        (remove_tensors, "is corrupt: not a training checkpoint"),
        (write_huge_header, "is corrupt: not a training checkpoint"),
        (change_plan, "the checkpoint is incompatible (it belongs to another training)"),
    ],
)
def test_an_unusable_checkpoint_is_discarded_with_one_warning(
    spoil: Callable[..., None], reason: str, interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unusable checkpoints are discarded with other settings too, so a nightly job does not stop."""
    spoil(interrupted, monkeypatch)
    config = (
        TRAIN
        if spoil in (remove_tensors, write_huge_header, change_plan)
        else dataclasses.replace(TRAIN, lr=3e-3)
    )
    events = interrupt_after(interrupted, 1, config)
    (warning,) = texts(events, WarningRaised)
    assert reason in warning
    assert warning.endswith("checkpoint discarded, training starts over")
    assert epochs(events) == [("anchored", 0)]
    assert not (interrupted / "canary").exists()
    assert "anchored at epoch 0/1" in resume_notes(interrupt_after(interrupted, 0, config))[0]


def test_resumed_training_keeps_its_number_of_threads(interrupted: Path) -> None:
    events = interrupt_after(interrupted, 0, dataclasses.replace(TRAIN, threads=2))
    assert "training on cpu, 1 thread" in texts(events)


def test_the_checkpoint_of_a_finished_training_is_ignored(interrupted: Path) -> None:
    """Process was killed after the commit and before it removed the checkpoint, so the run has a new model."""
    rewrite(interrupted, lambda about, files: about.update(model=None))
    events = interrupt_after(interrupted, 0, dataclasses.replace(TRAIN, lr=3e-3))
    assert not texts(events, WarningRaised)
    assert not resume_notes(events)
    assert not (interrupted / "checkpoint").exists()


def test_only_a_fitting_checkpoint_makes_a_model_out_of_date(
    interrupted: Path,
) -> None:
    def others(about: dict[str, Any], files: dict[str, bytes]) -> None:
        about["config"]["lr"] = 3e-3

    def completed(about: dict[str, Any], files: dict[str, bytes]) -> None:
        about["model"] = None

    with pytest.raises(Interrupted):
        train(interrupted, TRAIN, ignore_events, should_stop=lambda: signal.SIGTERM)
    rewrite(interrupted, others)
    assert train(interrupted, TRAIN, ignore_events).up_to_date
    assert Checkpoint(interrupted).exists()  # another training may resume from it
    rewrite(interrupted, completed)
    assert train(interrupted, TRAIN, ignore_events).up_to_date
    assert not (interrupted / "checkpoint").exists()


def test_a_dry_run_finds_an_unfinished_training(interrupted: Path) -> None:
    argv = ["train", str(interrupted), "--hidden", "8", "--epochs", "1", "--batch-size", "4", "--lr", "1e-3"]
    results = {}
    for name, more in (("same", []), ("other", ["--loss", "mse"]), ("fresh", ["--loss", "mse", "--fresh"])):
        command = [sys.executable, "-m", "lstm_cli", *argv, *more, "--dry-run", "--json"]
        results[name] = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    plan = json.loads(results["same"].stdout)
    assert not plan["up_to_date"]
    assert [Path(read["path"]).name for read in plan["reads"]] == ["0001", "checkpoint"]
    assert results["other"].returncode == 4
    assert "--loss mae (now mse)" in results["other"].stderr
    assert len(json.loads(results["fresh"].stdout)["reads"]) == 1


def test_diverged_training_keeps_the_model_and_leaves_no_checkpoint(interrupted: Path) -> None:
    before = model_files(interrupted)
    wild = dataclasses.replace(TRAIN, lr=1e30, optimizer="sgd", clip_norm=0.0, schedule="constant")
    with pytest.raises(TrainingDiverged, match=r"in anchored: .* epoch 1, step \d+$"):
        train(interrupted, wild, ignore_events, fresh=True, checkpoint_every=1)
    assert model_files(interrupted) == before
    assert not (interrupted / "checkpoint").exists()


def test_out_of_memory_writes_a_checkpoint(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.training.loop import fit as fitting

    def no_memory(*arguments: Any, **options: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(fitting, "backward", no_memory)
    with pytest.raises(DeviceError) as short:
        train(interrupted, TRAIN, ignore_events)
    assert short.value.exit_code == 7
    assert short.value.hint.startswith("use --batch-size 2, or --batch-size auto")
    assert short.value.hint.endswith(", and add --fresh")
    monkeypatch.undo()
    assert "anchored finished" in resume_notes(interrupt_after(interrupted, 0))[0]


def test_a_full_disk_stops_training(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Checkpoint, *arguments: Any) -> None:
        raise OutputError("cannot write x: disk full")

    monkeypatch.setattr(Checkpoint, "write", full)
    with pytest.raises(OutputError):
        train(run, TRAIN, ignore_events, force=True, checkpoint_every=1)


# Separate process


def test_training_resumes_after_sigterm(run: Path) -> None:
    """Only the last checkpoint on disk counts, because a busy machine may kill the process after 4.5 s."""
    command = [sys.executable, "-m", "lstm_cli", "train", str(run), "--hidden", "8", "--epochs", "100000"]
    command += ["--patience", "100000", "--threads", "1", "--log-transform", "off", "--parts", "free"]
    process = subprocess.Popen(
        [*command, "--checkpoint-every", "1"], env=os.environ, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if untimed(line).startswith("free     epoch      2/100000"):
            break
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=1200)
    assert process.returncode == 143, err
    assert "error: interrupted by SIGTERM\nhint: run the same command again" in err
    config = TrainConfig(
        hidden=(8,), epochs=100_000, patience=100_000, threads=1, log_transform="off", parts=("free",), seed=0
    )
    (line,) = resume_notes(interrupt_after(run, 0, config))
    assert int(line.split("free at epoch ")[1].split("/")[0]) >= 1
