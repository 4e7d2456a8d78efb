"""State of a training between two epochs: everything the next epoch depends on, to save and to restore.

On the CPU a resumed training gives the same bytes as an uninterrupted one.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor, nn

from lstm_cli.models.dropout import seed_dropout
from lstm_cli.training.loop.distributed import current_ranks
from lstm_cli.training.loop.early_stopping import EarlyStopping
from lstm_cli.training.loop.ema import ExponentialMovingAverage
from lstm_cli.training.loop.examples import Examples
from lstm_cli.training.loop.optimizer_step import make_optimizer, set_learning_rate
from lstm_cli.training.setup.checkpoint_state import Facts, IncompatibleState, SavedState
from lstm_cli.training.setup.hyperparameters import Hyperparameters, learning_rate_share

State = dict[str, Tensor]
Entry = dict[str, float | int | str | bool | None]  # history entry, as in EpochEnded
MODEL, AVERAGE, WEIGHTS, OPTIMIZER, DROPOUT = "model", "average", "weights", "optimizer", "dropout"


class TrainingState:
    """State of a training. `epoch` is the last finished epoch; 0 is the validation before the first step."""

    def __init__(self, model: nn.Module, examples: Examples, hparams: Hyperparameters, *, part: str) -> None:
        self.model, self.hparams, self.part = model, hparams, part
        self.ranks = current_ranks()
        self.dropout = torch.Generator(examples.device).manual_seed(hparams.seed)
        seed_dropout(model, self.dropout)
        self.order = examples.order(hparams.batch_size, torch.Generator().manual_seed(hparams.seed))
        self.optimizer = make_optimizer(model, hparams)
        self.average = ExponentialMovingAverage(model) if hparams.averaged else None
        self.stopping = EarlyStopping(hparams)
        self.epoch = -1
        self.plateau = 1.0  # factor of the learning rate with the plateau schedule
        self.history: list[Entry] = []
        self.weights: State = {}  # of the best epoch, on the CPU
        self._started = time.monotonic()

    @property
    def validated_network(self) -> nn.Module:
        """Return the network whose weights are validated and kept."""
        return self.model if self.average is None else self.average.model

    @property
    def is_finished(self) -> bool:
        """Return whether there is no further epoch."""
        return self.stopping.should_stop or self.epoch >= self.hparams.stop_after

    @property
    def seconds(self) -> float:
        """Return the seconds since the training began, summed over all processes that ran it."""
        return time.monotonic() - self._started

    def set_step(self, step: int) -> None:
        """Set the values that depend on the number of a step (from 0) before it runs."""
        if self.ranks is not None:
            self.dropout.manual_seed(self.ranks.dropout_seed(self.hparams.seed, step))
        set_learning_rate(
            self.optimizer, self.hparams.lr * (self.plateau * learning_rate_share(self.hparams, step))
        )
        if self.average is not None:
            self.average.set_step(step)

    def keep_weights(self) -> None:
        """Keep the current weights as the best so far."""
        self.weights = copy_to_cpu(self.validated_network.state_dict())

    def save(self) -> SavedState:
        """Return a copy of the state; tensors that no further epoch needs are left out."""
        tensors = {f"{WEIGHTS}.{name}": value for name, value in self.weights.items()}
        if not self.is_finished:
            networks = [(MODEL, self.model)]
            if self.average is not None:
                networks.append((AVERAGE, self.average.model))
            for prefix, model in networks:
                tensors |= {
                    f"{prefix}.{name}": value for name, value in copy_to_cpu(model.state_dict()).items()
                }
            for index, entry in self.optimizer.state_dict()["state"].items():
                tensors_of_weight = {
                    name: value for name, value in entry.items() if isinstance(value, Tensor)
                }
                tensors |= {
                    f"{OPTIMIZER}.{index}.{name}": value
                    for name, value in copy_to_cpu(tensors_of_weight).items()
                }
            tensors[DROPOUT] = self.dropout.get_state()
        facts = {
            "part": self.part,
            "epoch": self.epoch,
            "epochs": self.hparams.stop_after,
            "over": self.is_finished,
            "plan": asdict(self.hparams),
            "best": self.stopping.best if math.isfinite(self.stopping.best) else None,
            "best_epoch": self.stopping.best_epoch,
            "waited": self.stopping.waited,
            "plateau": self.plateau,
            "history": list(self.history),
            "seconds": self.seconds,
        }
        return SavedState(facts=facts, tensors=tensors)

    def restore(self, saved: SavedState) -> None:
        """Restore a saved state. Raises IncompatibleState if it belongs to another training."""
        try:
            if saved.facts["plan"] != asdict(self.hparams) or saved.facts["part"] != self.part:
                raise IncompatibleState("it belongs to another training")
            self._restore_facts(saved.facts)
            self._restore_tensors(saved.tensors)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise IncompatibleState(f"{type(error).__name__}: {error}".splitlines()[0]) from error

    def _restore_facts(self, facts: Facts) -> None:
        self.epoch = int(facts["epoch"])
        self.plateau = float(facts["plateau"])
        self.history = [dict(entry) for entry in facts["history"]]
        self.stopping.best = math.inf if facts["best"] is None else float(facts["best"])
        self.stopping.best_epoch = int(facts["best_epoch"])
        self.stopping.waited = int(facts["waited"])
        self._started = time.monotonic() - float(facts["seconds"])

    def _restore_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        self.weights = _select_prefix(WEIGHTS, tensors)
        if self.is_finished:
            self.validated_network.load_state_dict(self.weights)  # raises for other shapes
            return
        self.model.load_state_dict(_select_prefix(MODEL, tensors))
        if self.average is not None:
            self.average.model.load_state_dict(_select_prefix(AVERAGE, tensors))
        state: dict[int, State] = {}
        for name, value in _select_prefix(OPTIMIZER, tensors).items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value.clone()  # the optimizer changes it in place
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.dropout.set_state(tensors[DROPOUT])
        # The order of the examples depends only on the seed: skip the batches that were trained on.
        for _ in range(max(0, self.epoch) * self.hparams.steps_per_epoch):
            next(self.order)


def copy_to_cpu(state: Mapping[str, Tensor]) -> State:
    """Return copies on the CPU, which later steps do not change."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in state.items()}


def _select_prefix(name: str, tensors: Mapping[str, Tensor]) -> State:
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
