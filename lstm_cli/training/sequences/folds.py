"""Cross-validation of few training sequences: a small validation set alone would choose by chance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lstm_cli.events import FOLD, Listener
from lstm_cli.training.loop.fit import announce_training, fit
from lstm_cli.training.loop.state import Entry
from lstm_cli.training.sequences.device_sequences import DeviceSequences, class_scores, log_loss_validator
from lstm_cli.training.setup.checkpoint_state import Checkpoints
from lstm_cli.training.setup.hyperparameters import Hyperparameters

FEW, FOLDS = 500, 4  # training sequences below which they are cross-validated, and the number of folds


@dataclass(frozen=True, kw_only=True)
class HeldOutNetworks:
    """Result of the networks of all folds."""

    epochs: int  # median of their best epochs, at least 1
    truth: np.ndarray  # [n] probability of the true class, by the network whose fold has the sequence
    history: list[Entry]


def folds_of(labels: np.ndarray) -> list[np.ndarray]:
    """Return the indices of the sequences of each fold; a class has the same share in each fold.

    There are no folds if there are many sequences, or if the rest of a fold might have only one class.
    """
    if len(labels) >= FEW or (np.bincount(labels) >= 2).sum() < 2:
        return []
    order = np.argsort(labels, kind="stable")
    return [np.sort(order[number::FOLDS]) for number in range(min(FOLDS, len(labels)))]


def train_folds(
    make_network: Callable[[], nn.Module],
    train: DeviceSequences,
    hparams: Hyperparameters,
    *,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints,
) -> HeldOutNetworks:
    """Train a network for each fold, on the sequences of the other folds. Its own fold stops the training.

    Args:
        make_network: returns a new network on the device.
        train: training sequences, for which `folds_of` returns folds.
        hparams: settings of each training.
        part: start of the names of the networks in events.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where new ones are saved.

    Raises:
        TrainingDiverged, Interrupted, IncompatibleState: the errors of `fit`.
    """
    folds = folds_of(train.labels.numpy(force=True))
    truth, epochs, history = np.zeros(len(train)), [], []
    for number, fold in enumerate(folds, start=1):
        rest = np.setdiff1d(np.arange(len(train)), fold)
        examples, held_out = (
            train.select(torch.from_numpy(indices).to(train.device)) for indices in (rest, fold)
        )
        network, name = make_network(), f"{part}{FOLD}{number}"
        slot = checkpoints.slot(name)
        announce_training(network, examples, hparams, part=name, listen=listen, slot=slot)
        fitted = fit(
            network,
            examples,
            log_loss_validator(held_out, should_stop=should_stop),
            hparams,
            part=name,
            listen=listen,
            should_stop=should_stop,
            slot=slot,
        )
        network.load_state_dict(fitted.weights)
        truth[fold] = true_probabilities(network.eval(), held_out)
        epochs.append(fitted.best_epoch)
        history += fitted.history
    return HeldOutNetworks(epochs=max(1, round(float(np.median(epochs)))), truth=truth, history=history)


def true_probabilities(model: nn.Module, sequences: DeviceSequences) -> np.ndarray:
    """Return the probability [n] that a model in evaluation mode gives the true class of each sequence."""
    scores = class_scores(model, sequences).double()
    chosen = scores.softmax(dim=1).gather(1, sequences.labels[:, None])[:, 0]
    return chosen.numpy(force=True)
