"""Checkpoint of a training: read and checked before it, written during it, removed after it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from lstm_cli import __version__
from lstm_cli.config import TrainConfig
from lstm_cli.config.layers import flag_name
from lstm_cli.config.search_space import value_text
from lstm_cli.errors import ArtifactError, CorruptArtifact, DeviceError, Interrupted, TrainingDiverged
from lstm_cli.events import Listener, Note, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Checkpoint, Run, StoredCheckpoint, Writer, newest_folder
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.train.warm_start import Start

if TYPE_CHECKING:
    from lstm_cli.training.setup.checkpoint_state import Checkpoints, SavedState

Trained = TypeVar("Trained")

MIN_SECONDS = 5.0  # between two checkpoints, without --checkpoint-every
WRITE_FACTOR = (
    20  # the wait is at least this multiple of the last write, so a slow disk does not slow training
)
MACHINE_SETTINGS = ("threads", "device")  # settings that may differ when training is resumed
LIBRARIES = ("torch", "numpy")  # another version may give other numbers
COMPLETED = "completed"  # the training finished, but its process was killed before it removed the checkpoint


@dataclass(frozen=True, kw_only=True)
class CheckpointPolicy:
    """Rules for reading and writing the checkpoint."""

    fresh: bool = False  # discard a stored checkpoint without reading it
    every: int | None = None  # epochs between two checkpoints; None: each epoch, at least MIN_SECONDS apart
    reject_other_settings: bool = (
        True  # raise an error for a checkpoint with other settings; False: discard it
    )


class CheckpointWriter:
    """Writer of the checkpoint: it takes the state of each network after an epoch, from any thread."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        about: Mapping[str, Any],
        states: "Mapping[str, SavedState]",
        *,
        every: int | None,
    ) -> None:
        self.threads: int = about["threads"]
        self.seconds: float = about["seconds"]  # training time of earlier processes
        self._checkpoint, self._about, self._every = checkpoint, about, every
        self._states = dict(states)
        self._facts = {name: saved.facts for name, saved in states.items()}
        self._pending: dict[str, SavedState] = {}  # states that are not yet written
        self._began = self._ended = time.monotonic()  # start of this process; end of the last write
        self._took = 0.0
        self._lock = threading.RLock()
        self._closed = False

    @property
    def checkpoints(self) -> "Checkpoints":
        """Return the stored states and the callback that saves new ones."""
        from lstm_cli.training.setup.checkpoint_state import Checkpoints

        return Checkpoints(stored=self._states, save=self.save)

    def save(self, name: str, saved: "SavedState") -> None:
        """Take the state of one network, and write the checkpoint if it is due. Raises OutputError."""
        with self._lock:
            if self._closed:  # a thread may outlive the command
                return
            self._pending[name] = saved
            self._facts[name] = saved.facts
            if self._is_due(saved.facts):
                self._write()

    def flush(self) -> bool:
        """Write pending states. Return whether the checkpoint has a finished epoch."""
        with self._lock:
            if self._pending and not self._closed:
                self._write()
        return any(facts["epoch"] > 0 or facts["over"] for facts in self._facts.values())

    def discard(self) -> None:
        """Remove the checkpoint and forget all states."""
        with self._lock:
            self._states, self._facts, self._pending = {}, {}, {}
            self._checkpoint.remove()

    def close(self) -> None:
        """Ignore all later states."""
        with self._lock:
            self._closed = True

    def _is_due(self, facts: Mapping[str, Any]) -> bool:
        if self._every is not None:
            return bool(facts["over"] or (facts["epoch"] and facts["epoch"] % self._every == 0))
        now = time.monotonic()
        if facts["over"]:  # last chance to write this network
            return now - self._began >= MIN_SECONDS
        return now - self._ended >= max(MIN_SECONDS, WRITE_FACTOR * self._took)

    def _write(self) -> None:
        from safetensors.torch import save

        began = time.monotonic()
        about = {
            **self._about,
            "seconds": self.seconds + began - self._began,
            "trainings": self._facts,
        }
        self._checkpoint.write(
            about, {name: save(dict(saved.tensors)) for name, saved in self._pending.items()}
        )
        self._pending = {}
        self._ended = time.monotonic()
        self._took = self._ended - began


@contextmanager
def checkpoint_writer(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    device: str,
    threads: int,
    policy: CheckpointPolicy,
    start: Start | None = None,
) -> Iterator[CheckpointWriter]:
    """Yield the checkpoint writer of a training, with the states of an unfinished training to resume.

    A signal or a lack of memory writes the last finished epochs. Training that finishes or diverges removes the
    checkpoint, because a diverged training would diverge again.

    Args:
        writer: writer of the run.
        config: settings of the model and its training.
        listen: receives notes and warnings.
        device: name of the device.
        threads: CPU threads.
        policy: rules for the checkpoint.
        start: model at which the training starts.

    Raises:
        ArtifactError: the checkpoint is of a training on the same data with other settings.
    """
    checkpoint = Checkpoint(writer.path)
    assert writer.run is not None
    current = _about(writer.run, config, start, device=device, threads=threads)
    states, stored = _load_states(checkpoint, current, listen, policy)
    about = {**current, **{name: stored[name] for name in ("threads", "seconds") if name in stored}}
    checkpoints = CheckpointWriter(checkpoint, about, states, every=policy.every)
    if states:
        listen(
            Note(text=_describe(states) + (" (--fresh starts over)" if policy.reject_other_settings else ""))
        )
    try:
        yield checkpoints
    except Interrupted as error:
        with suppress(ArtifactError):  # the earlier checkpoint stays valid
            if checkpoints.flush():
                error.hint = "run the same command again to resume the training"
        raise
    except DeviceError as error:
        with suppress(ArtifactError):
            if checkpoints.flush() and policy.reject_other_settings and error.flag == "--batch-size":
                error.hint += ", and add --fresh"
        raise
    except TrainingDiverged:
        checkpoints.discard()
        raise
    else:
        checkpoints.discard()
    finally:
        checkpoints.close()


@dataclass(frozen=True, kw_only=True)
class CheckpointStatus:
    """Status of a run's checkpoint for a training with given settings."""

    fits: bool = False  # training would resume from it
    is_unusable: bool = False  # no training can resume from it
    changed_settings: tuple[str, ...] = ()  # flags of settings that differ from those of the checkpoint


def checkpoint_status(run: Run, config: TrainConfig, start: Start | None = None) -> CheckpointStatus | None:
    """Return the status of the run's checkpoint, or None without one. Loads no torch and changes nothing.

    Args:
        run: run with prepared data.
        config: settings of the model and its training.
        start: model at which the training starts.
    """
    try:
        stored = Checkpoint(run.path).read()
    except CorruptArtifact:
        return CheckpointStatus(is_unusable=True)
    if stored is None:
        return None
    current = _about(run, config, start, device=str(stored.about.get("device")), threads=1)
    if _unusable_reason(stored.about, current):
        return CheckpointStatus(is_unusable=True)
    changed = tuple(_changed_settings(stored.about, current))
    return CheckpointStatus(fits=not changed, changed_settings=changed)


def resume_or_start_over(
    train: Callable[[], Trained], checkpoints: CheckpointWriter, listen: Listener
) -> Trained:
    """Return a trained model. A checkpoint that is incompatible is discarded, and training starts over.

    Args:
        train: trains, and resumes at the checkpoint if there is one.
        checkpoints: checkpoint of the training.
        listen: receives a warning if the checkpoint is discarded.
    """
    from lstm_cli.training.setup.checkpoint_state import IncompatibleState

    try:
        return train()
    except IncompatibleState as error:
        text = f"the checkpoint is incompatible ({error}): checkpoint discarded, training starts over"
        listen(WarningRaised(finding=Finding(rule="M209", kind=MODEL, text=text)))
        checkpoints.discard()
    return train()


def library_versions() -> dict[str, str]:
    """Return the versions that the result of a training depends on, without loading the libraries."""
    return {"lstm-cli": __version__, **{name: version(name) for name in LIBRARIES}}


def _about(
    run: Run, config: TrainConfig, start: Start | None, *, device: str, threads: int
) -> dict[str, Any]:
    """Return the facts that identify a training: versions, data, model, settings and device."""
    return {
        "release": library_versions(),
        "data": run.digest("data"),
        # The newest model before training: another one means that a training has finished since.
        "model": newest_folder(run.steps, run.models),
        "config": plain_value(asdict(config)),
        "start": None if start is None else {"run": start.path, "digest": start.digest},
        "device": device,
        "threads": threads,
        "seconds": 0.0,
    }


def _load_states(
    checkpoint: Checkpoint, current: Mapping[str, Any], listen: Listener, policy: CheckpointPolicy
) -> "tuple[dict[str, SavedState], Mapping[str, Any]]":
    """Return the states to resume from and their facts, or two empty mappings; discard an unusable checkpoint."""
    if policy.fresh:
        if checkpoint.exists():
            listen(Note(text="discarding the checkpoint of an earlier training (--fresh)"))
        checkpoint.remove()
        return {}, {}
    try:
        stored = checkpoint.read()
        if stored is None:
            return {}, {}
        reason = _unusable_reason(stored.about, current)
        changed = [] if reason else _changed_settings(stored.about, current)
        if not reason and not changed:
            return _states(checkpoint, stored), stored.about
    except CorruptArtifact as error:
        reason, changed = error.message, []
    if changed:
        if policy.reject_other_settings:
            raise different_settings_error(checkpoint, changed)
        reason = f"the checkpoint has other settings, {', '.join(changed)}"
    if reason != COMPLETED:
        text = f"{reason}: checkpoint discarded, training starts over"
        listen(WarningRaised(finding=Finding(rule="M209", kind=MODEL, text=text)))
    checkpoint.remove()
    return {}, {}


def different_settings_error(checkpoint: Checkpoint, changed: Sequence[str]) -> ArtifactError:
    """Return the error for a checkpoint with other settings; `changed` lists them as flags."""
    return ArtifactError(
        f"{checkpoint.folder} has an unfinished training with other settings: {', '.join(changed)}",
        hint="rerun with those settings to resume, or add --fresh to start over",
    )


def _states(checkpoint: Checkpoint, stored: StoredCheckpoint) -> "dict[str, SavedState]":
    """Return the states of a stored checkpoint. Raises CorruptArtifact if its content is invalid."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from lstm_cli.training.setup.checkpoint_state import SavedState

    try:
        trainings, threads = stored.about["trainings"], stored.about["threads"]
        if type(threads) is not int or threads < 1:
            raise ValueError(f"{threads!r} threads")
        float(stored.about["seconds"])
        states = {
            name: SavedState(facts=trainings[name], tensors=load(data)) for name, data in stored.files.items()
        }
        _describe(states)
    except (AttributeError, KeyError, SafetensorError, TypeError, ValueError) as error:
        raise CorruptArtifact(
            f"{checkpoint.folder} is corrupt: not a training checkpoint ({type(error).__name__})"
        ) from None
    return states


def _unusable_reason(stored: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    """Return why no training can resume from a checkpoint with any settings; empty if one can."""
    release = stored.get("release")
    if release != current["release"]:
        versions = release if isinstance(release, dict) else {}
        others = [
            f"{name} {versions.get(name)}"
            for name in current["release"]
            if versions.get(name) != current["release"][name]
        ]
        return f"the checkpoint was made by another release ({', '.join(others)})"
    if stored.get("model") != current["model"]:
        return COMPLETED
    if stored.get("data") != current["data"]:
        return "the data changed after the checkpoint was written"
    if not isinstance(stored.get("config"), dict):
        return "the checkpoint has no settings"
    if (
        stored.get("device") != current["device"]
        and stored["config"].get("device") == current["config"]["device"]
    ):
        return f"the checkpoint is from a training on {stored.get('device')}, which is not available now"
    return ""


def _changed_settings(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the settings that differ, as flags: `--lr 0.001 (now 0.003)`."""
    stored_config, config = stored["config"], current["config"]
    names = [
        name for name in config if name not in MACHINE_SETTINGS and stored_config.get(name) != config[name]
    ]
    if stored.get("device") != current["device"]:
        names.append("device")
    changed = _changed_start(stored.get("start"), current["start"])
    return changed + [
        f"{flag_name(name)} {_flag_value(stored_config.get(name))} (now {_flag_value(config[name])})"
        for name in names
    ]


def _changed_start(stored: Mapping[str, Any] | None, current: Mapping[str, Any] | None) -> list[str]:
    """Return --from with both values if a training starts at another model, else nothing."""
    before, now = stored or {}, current or {}
    if before.get("digest") == now.get("digest"):
        return []
    if before.get("run") == now.get("run"):
        return [f"--from {now['run']} (it has another model now)"]
    return [f"--from {before.get('run', 'not given')} (now {now.get('run', 'not given')})"]


def _flag_value(value: Any) -> str:
    return "default" if value is None or value == [] else value_text(value)


def _describe(states: "Mapping[str, SavedState]") -> str:
    from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX

    parts = [saved.facts["part"] for name, saved in states.items() if not name.endswith(REFIT_SUFFIX)]
    lines = [
        _describe_part(name, saved, show_plan=parts.count(saved.facts["part"]) > 1)
        for name, saved in states.items()
    ]
    unique = dict.fromkeys(lines)  # the linear forecast may have been fitted in several ways
    return f"resuming training: {', '.join(unique)}"


def _describe_part(name: str, saved: "SavedState", *, show_plan: bool) -> str:
    """Return the progress of a network, e.g. `free at epoch 7/11`; `show_plan` adds its learning rate and seed."""
    from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX

    facts = saved.facts
    label = f"refit of {facts['part']}" if name.endswith(REFIT_SUFFIX) else facts["part"]
    if "linear" in facts:
        return f"{label} finished"
    plan = facts["plan"]
    label += f" (learning rate {plan['lr']:g}, seed {plan['seed']:d})" if show_plan else ""
    if facts["over"]:
        return f"{label} finished"
    return f"{label} at epoch {facts['epoch']:d}/{facts['epochs']:d}"
