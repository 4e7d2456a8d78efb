"""The checkpoint of a training: found and judged, written while it goes on, gone when it has completed."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from lstm_cli import __version__
from lstm_cli.config import TrainConfig
from lstm_cli.config.layers import flag_name
from lstm_cli.config.search_space import value_text
from lstm_cli.errors import ArtifactError, CorruptArtifact, DeviceError, Interrupted, TrainingDiverged
from lstm_cli.events import Listener, Note, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Checkpoint, Run, StoredCheckpoint, Writer
from lstm_cli.steps.shared.report_json import plain_value

if TYPE_CHECKING:
    from lstm_cli.training.setup.checkpoint_state import Checkpoints, SavedState

EVERY = 5.0  # seconds between two checkpoints at least, where --checkpoint-every does not say otherwise
SHARE = 20  # and so many times the seconds that the last one took, so that a slow disk slows no training
WHERE = ("threads", "device")  # settings that say where, not what
LIBRARIES = ("torch", "numpy")  # another version of them may compute otherwise
COMPLETED = "completed"  # a training since: its writer was killed between the commit and the end


@dataclass(frozen=True, kw_only=True)
class CheckpointPolicy:
    """How a checkpoint is dealt with."""

    fresh: bool = False  # what is found is not looked at
    every: int | None = None  # epochs between two checkpoints; None: every one, EVERY seconds apart at least
    others: bool = True  # one of a training with other settings is refused; False: it is discarded


class CheckpointWriter:
    """Takes the state of every network at the end of its epochs, in whichever thread, and writes it when it is time."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        about: Mapping[str, Any],
        found: "Mapping[str, SavedState]",
        *,
        every: int | None,
    ) -> None:
        self.threads: int = about["threads"]
        self.seconds: float = about["seconds"]  # that the processes before this one had trained
        self._checkpoint, self._about, self._every = checkpoint, about, every
        self._found = dict(found)
        self._facts = {name: saved.facts for name, saved in found.items()}
        self._pending: dict[str, SavedState] = {}  # not yet written
        self._began = self._ended = time.monotonic()  # of this process; of the last writing
        self._took = 0.0
        self._lock = threading.RLock()
        self._closed = False

    @property
    def checkpoints(self) -> "Checkpoints":
        """What the training is given."""
        from lstm_cli.training.setup.checkpoint_state import Checkpoints

        return Checkpoints(stored=self._found, save=self.save)

    def save(self, name: str, saved: "SavedState") -> None:
        """Take the state of one network. Raises OutputError where it is time to write and the system refuses."""
        with self._lock:
            if self._closed:  # a thread that comes to its end after the command has
                return
            self._pending[name] = saved
            self._facts[name] = saved.facts
            if self._is_due(saved.facts):
                self._write()

    def flush(self) -> bool:
        """Write what has not been written; whether there is a checkpoint with a finished epoch."""
        with self._lock:
            if self._pending and not self._closed:
                self._write()
        return any(facts["epoch"] > 0 or facts["over"] for facts in self._facts.values())

    def discard(self) -> None:
        """Forget all that was found or taken."""
        with self._lock:
            self._found, self._facts, self._pending = {}, {}, {}
            self._checkpoint.remove()

    def close(self) -> None:
        """Take nothing any more."""
        with self._lock:
            self._closed = True

    def _is_due(self, facts: Mapping[str, Any]) -> bool:
        if self._every is not None:
            return bool(facts["over"] or (facts["epoch"] and facts["epoch"] % self._every == 0))
        now = time.monotonic()
        if facts["over"]:  # the last chance to write it
            return now - self._began >= EVERY
        return now - self._ended >= max(EVERY, SHARE * self._took)

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
    how: CheckpointPolicy,
) -> Iterator[CheckpointWriter]:
    """Within this block a training is kept: from what an earlier one left, until it has completed.

    An end by a signal writes the last finished epochs. A training that diverged would do so again, and leaves no
    checkpoint. Raises ArtifactError where there is one of the same data with other settings.
    """
    checkpoint = Checkpoint(writer.path)
    assert writer.run is not None
    now = _about(writer.run, config, device=device, threads=threads)
    found, before = _found(checkpoint, now, listen, how)
    about = {**now, **{name: before[name] for name in ("threads", "seconds") if name in before}}
    keeper = CheckpointWriter(checkpoint, about, found, every=how.every)
    if found:
        listen(Note(text=_describe(found) + (" (--fresh starts over)" if how.others else "")))
    try:
        yield keeper
    except Interrupted as error:
        with suppress(ArtifactError):  # the checkpoint before it stays
            if keeper.flush():
                error.hint = "run the same command again: it goes on from the last finished epoch"
        raise
    except DeviceError as error:
        with suppress(ArtifactError):
            if keeper.flush() and how.others and error.flag == "--batch-size":
                error.hint += "; add --fresh"
        raise
    except TrainingDiverged:
        keeper.discard()
        raise
    else:
        keeper.discard()
    finally:
        keeper.close()


@dataclass(frozen=True, kw_only=True)
class CheckpointStatus:
    """What the checkpoint in a run is to a training with some settings."""

    fits: bool = False  # the training goes on from there
    spent: bool = False  # nothing goes on from there
    others: tuple[str, ...] = ()  # a training with other settings left it: these, as flags


def checkpoint_status(run: Run, config: TrainConfig) -> CheckpointStatus | None:
    """The judgement of `train`, without torch and without a change; None where there is no checkpoint."""
    try:
        stored = Checkpoint(run.path).read()
    except CorruptArtifact:
        return CheckpointStatus(spent=True)
    if stored is None:
        return None
    now = _about(run, config, device=str(stored.about.get("device")), threads=1)
    if _why_not(stored.about, now):
        return CheckpointStatus(spent=True)
    changed = tuple(_changed(stored.about, now))
    return CheckpointStatus(fits=not changed, others=changed)


def library_versions() -> dict[str, str]:
    """The versions that a training hangs on, whether they are loaded or not."""
    return {"lstm-cli": __version__, **{name: version(name) for name in LIBRARIES}}


def _about(run: Run, config: TrainConfig, *, device: str, threads: int) -> dict[str, Any]:
    """What a checkpoint is a checkpoint of."""
    return {
        "release": library_versions(),
        "data": run.digest("data"),
        # The model there is before: where it is another one, a training has completed since.
        "model": run.producer_entry("model").get("wrote", {}).get("model", {}).get("folder"),
        "config": plain_value(asdict(config)),
        "device": device,
        "threads": threads,
        "seconds": 0.0,
    }


def _found(
    checkpoint: Checkpoint, now: Mapping[str, Any], listen: Listener, how: CheckpointPolicy
) -> "tuple[dict[str, SavedState], Mapping[str, Any]]":
    """The states to go on from, and what they are of; nothing where there is none that fits. Discards what does not."""
    if how.fresh:
        if checkpoint.exists():
            listen(Note(text="the checkpoint of an earlier training is discarded (--fresh)"))
        checkpoint.remove()
        return {}, {}
    try:
        stored = checkpoint.read()
        if stored is None:
            return {}, {}
        reason = _why_not(stored.about, now)
        changed = [] if reason else _changed(stored.about, now)
        if not reason and not changed:
            return _states(checkpoint, stored), stored.about
    except CorruptArtifact as error:
        reason, changed = error.message, []
    if changed:
        told = ", ".join(changed)
        if how.others:
            raise different_settings_error(checkpoint, changed)
        reason = f"the checkpoint is of a training with other settings ({told})"
    if reason != COMPLETED:
        text = f"{reason}: it is discarded, and training starts anew"
        listen(WarningRaised(finding=Finding(rule="M209", kind=MODEL, text=text)))
    checkpoint.remove()
    return {}, {}


def different_settings_error(checkpoint: Checkpoint, changed: Sequence[str]) -> ArtifactError:
    """The error of a checkpoint that a training with other settings left. changed: those, as flags."""
    return ArtifactError(
        f"{checkpoint.folder} holds an unfinished training with other settings: {', '.join(changed)}",
        hint="run it with the settings there to go on with it, or add --fresh to start over",
    )


def _states(checkpoint: Checkpoint, stored: StoredCheckpoint) -> "dict[str, SavedState]":
    """The states in what was read. Raises CorruptArtifact where they are none, though the checksums are right."""
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
        raise CorruptArtifact(f"{checkpoint.folder} holds no training: {type(error).__name__}") from None
    return states


def _why_not(there: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why a training cannot go on from a checkpoint, whatever its settings; empty where it can."""
    release = there.get("release")
    if release != now["release"]:
        made = release if isinstance(release, dict) else {}
        others = [
            f"{name} {made.get(name)}" for name in now["release"] if made.get(name) != now["release"][name]
        ]
        return f"the checkpoint was made by another release ({', '.join(others)})"
    if there.get("model") != now["model"]:
        return COMPLETED
    if there.get("data") != now["data"]:
        return "the checkpoint is of a training on other data"
    if not isinstance(there.get("config"), dict):
        return "the checkpoint does not tell its settings"
    if there.get("device") != now["device"] and there["config"].get("device") == now["config"]["device"]:
        return f"the checkpoint is of a training on {there.get('device')}, which is not there now"
    return ""


def _changed(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The settings that differ, as flags: `--lr 0.001 there, 0.003 now`."""
    ours, theirs = now["config"], there["config"]
    names = [name for name in ours if name not in WHERE and theirs.get(name) != ours[name]]
    if there.get("device") != now["device"]:
        names.append("device")
    return [f"{flag_name(name)} {_text(theirs.get(name))} there, {_text(ours[name])} now" for name in names]


def _text(value: Any) -> str:
    return "default" if value is None or value == [] else value_text(value)


def _describe(found: "Mapping[str, SavedState]") -> str:
    from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX

    parts = [saved.facts["part"] for name, saved in found.items() if not name.endswith(REFIT_SUFFIX)]
    lines = [_line(name, saved, apart=parts.count(saved.facts["part"]) > 1) for name, saved in found.items()]
    once = dict.fromkeys(lines)  # the linear forecast may have been fitted in several ways
    return f"going on with a training that was interrupted: {', '.join(once)}"


def _line(name: str, saved: "SavedState", *, apart: bool) -> str:
    """One network, e.g. `anchored after epoch 7 of 11`; its rate and seed tell several of one part apart."""
    from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX

    facts = saved.facts
    named = f"refit of {facts['part']}" if name.endswith(REFIT_SUFFIX) else facts["part"]
    if "linear" in facts:
        return f"{named} done"
    plan = facts["plan"]
    named += f" (learning rate {plan['lr']:g}, seed {plan['seed']:d})" if apart else ""
    return (
        f"{named} done" if facts["over"] else f"{named} after epoch {facts['epoch']:d} of {facts['epochs']:d}"
    )
