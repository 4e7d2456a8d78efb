"""Training as rank 0 sends it to the other ranks, which open no files."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from torch import Tensor

from lstm_cli.models.registry import Architecture
from lstm_cli.training.loop.distributed import Ranks
from lstm_cli.training.loop.examples import Examples
from lstm_cli.training.setup.checkpoint_state import SavedState
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.windows.device_windows import DeviceWindows

EXAMPLES, STORED = "examples.", "stored."  # prefixes of the names of tensors
# Dataclasses of tensors and whole numbers, which each rank can build.
KINDS: dict[str, Callable[..., Examples]] = {kind.__name__: kind for kind in (DeviceWindows,)}


@dataclass(frozen=True, kw_only=True)
class SharedTraining:
    """Arguments of `fit_in_memory` on a rank without the run."""

    architecture: Architecture
    examples: Examples
    hparams: Hyperparameters
    part: str
    shrink: bool
    validated: bool  # rank 0 validates
    threads: int  # CPU threads, because the order of sums depends on them
    stored: SavedState | None  # state to resume from

    def send(self, ranks: Ranks) -> None:
        """Send the training from rank 0."""
        plain = ("hparams", "architecture")
        about: dict[str, Any] = {name: asdict(getattr(self, name)) for name in plain}
        about |= {name: getattr(self, name) for name in ("part", "shrink", "validated", "threads")}
        # `fields` knows any dataclass. Cached properties are not among them.
        values = {field.name: getattr(self.examples, field.name) for field in fields(self.examples)}  # type: ignore[arg-type]
        tensors = {EXAMPLES + name: value for name, value in values.items() if isinstance(value, Tensor)}
        about["kind"] = type(self.examples).__name__
        about["examples"] = {name: value for name, value in values.items() if isinstance(value, int)}
        about["facts"] = None
        if self.stored is not None:
            about["facts"] = self.stored.facts
            tensors |= {STORED + name: value for name, value in self.stored.tensors.items()}
        ranks.share_tensors(about, tensors)

    @staticmethod
    def receive(ranks: Ranks) -> "SharedTraining":
        """Return the next training of rank 0. Raise LeaderEnded if there is none."""
        received, tensors = ranks.share_tensors({}, {})
        about = dict(received)
        facts = about.pop("facts")
        stored = {name: value.cpu() for name, value in _with_prefix(STORED, tensors).items()}
        return SharedTraining(
            architecture=Architecture(**about.pop("architecture")),
            examples=KINDS[about.pop("kind")](**about.pop("examples") | _with_prefix(EXAMPLES, tensors)),
            hparams=Hyperparameters(**about.pop("hparams")),
            stored=None if facts is None else SavedState(facts=facts, tensors=stored),
            **about,
        )


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
