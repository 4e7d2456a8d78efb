"""Training of a classifier of sequences: the network, the simple model, and the weight of each."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.events import Listener, Note
from lstm_cli.models.initialization import init_forget_gate_bias, initialize_weights
from lstm_cli.models.sequence_classifier import CombinedClassifier, SequenceClassifier
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.training.loop.fit import FitResult, announce_training, fit
from lstm_cli.training.loop.out_of_memory import as_device_error
from lstm_cli.training.loop.state import Entry
from lstm_cli.training.sequences.device_sequences import DeviceSequences, class_scores, log_loss_validator
from lstm_cli.training.sequences.folds import FEW, FOLDS, train_folds, true_probabilities
from lstm_cli.training.sequences.ngram_model import fit_ngrams
from lstm_cli.training.sequences.simple_model import FittedSimple, fit_simple
from lstm_cli.training.setup.checkpoint_state import Checkpoints
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.hyperparameters import Hyperparameters, make_hyperparameters
from lstm_cli.training.setup.start_weights import StartWeights, TakenWeights

PART = "classifier"  # name of the network in events, and of its state in a checkpoint
SMALL, SMALL_BATCH = 1_000, 16  # training sequences below which a batch is small, and its size
FEW_STEPS = 40  # optimizer steps between two validations of few sequences
MIN_DELTA = 1e-3  # smallest drop of the log-loss that counts, without --min-delta
EMBEDDING = 64  # size of the embedding of a token
SHARES = np.linspace(0, 1, 21)  # weights of the network that are tried
# Few validation sequences say little about the weights, and equal weights are hard to improve (Smith and Wallis 2009,
# "A simple explanation of the forecast combination puzzle"). So a weight of 0 or 1 must lower the sum of the log-losses
# by more than this.
EQUAL_SHARES = 1.0
SMALLEST = 1e-15  # a probability of 0 would make the log-loss infinite


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """Result of a training."""

    model: CombinedClassifier
    settings: dict[str, Any]  # arguments of the network
    hparams: Hyperparameters
    fitted: FitResult
    folds: int  # of the cross-validation; 0: none
    history: list[Entry]  # of the networks of the folds and of this network
    simple: FittedSimple
    share: float  # weight of the network
    seconds: float
    taken: TakenWeights | None = None  # layers that began with weights of another model


def train_classifier(
    data: SequenceData,
    config: ClassifyTrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints,
    start: tuple[StartWeights, dict[str, str]] | None = None,
) -> TrainedClassifier:
    """Train the network and the simple model, and choose their weights by the log-loss on validation sequences.

    Few training sequences are cross-validated: networks of their folds choose the number of epochs, and the sequences
    of each fold count for the weights too.

    Args:
        data: sequences of all splits.
        config: settings of the training.
        threads: CPU threads.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where new ones are saved.
        start: weights at which the network starts, and the layers that it must not take; None: random ones. A start
            may have learnt the sequences of the folds, so then only the validation sequences decide.

    Raises:
        DeviceError: the device is missing or its memory is too small.
        TrainingDiverged: a loss, gradient or weight is not finite.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the checkpoint belongs to another training.
    """
    started = time.monotonic()
    device = choose_device(config.device)
    torch.set_num_threads(threads)
    simple = (fit_ngrams if data.schema.tokens else fit_simple)(data, should_stop=should_stop)
    settings = network_settings(data, config)
    with as_device_error(f"on {device} while training", hint="use a smaller --batch-size or --hidden"):
        train = DeviceSequences.from_data(
            data, "train", device, class_weights=class_weights(data, config.class_weights)
        )
        val = DeviceSequences.from_data(data, "val", device)
        hparams = classifier_hyperparameters(config, len(train))
        held_out = None
        if simple.held_out is not None and start is None:
            held_out = train_folds(
                lambda: new_network(settings, config).to(device),
                train,
                hparams,
                part=PART,
                listen=listen,
                should_stop=should_stop,
                checkpoints=checkpoints,
            )
            hparams = replace(hparams, stop_after=held_out.epochs)
        network, slot = new_network(settings, config), checkpoints.slot(PART)
        taken = take_start(network, settings, start, listen)
        network = network.to(device)
        announce_training(network, train, hparams, part=PART, listen=listen, slot=slot)
        fitted = fit(
            network,
            train,
            log_loss_validator(val, should_stop=should_stop) if held_out is None else None,
            hparams,
            part=PART,
            listen=listen,
            should_stop=should_stop,
            slot=slot,
        )
        network.cpu().load_state_dict(fitted.weights)
        network.requires_grad_(False).eval()
        on_cpu = DeviceSequences.from_data(data, "val", torch.device("cpu"))
        truths = [np.stack([true_probabilities(model, on_cpu) for model in (network, simple.model)])]
    if held_out is not None and simple.held_out is not None:
        truths.append(np.stack([held_out.truth, simple.held_out]))
    share = choose_share(np.concatenate(truths, axis=1))
    return TrainedClassifier(
        model=CombinedClassifier(network, simple.model, share).eval(),
        settings=settings,
        hparams=hparams,
        fitted=fitted,
        folds=0 if held_out is None else FOLDS,
        history=[*([] if held_out is None else held_out.history), *fitted.history],
        simple=simple,
        share=share,
        seconds=time.monotonic() - started,
        taken=taken,
    )


def validation_probabilities(trained: TrainedClassifier, data: SequenceData) -> np.ndarray:
    """Return the probabilities [S, K] of the combined model for the validation sequences."""
    val = DeviceSequences.from_data(data, "val", torch.device("cpu"))
    network, simple = (
        class_scores(side, val).softmax(dim=1).double()
        for side in (trained.model.network, trained.model.simple)
    )
    return (trained.share * network + (1 - trained.share) * simple).numpy()


def network_settings(data: SequenceData, config: ClassifyTrainConfig) -> dict[str, Any]:
    """Return the arguments of the network."""
    tokens = data.schema.tokens
    return {
        "inputs": EMBEDDING if tokens else len(data.schema.columns),
        **({"vocabulary": tokens} if tokens else {}),
        "classes": len(data.schema.classes),
        "max_length": data.schema.max_length,
        "hidden": list(config.sizes),
        "dropout": 0.2 if config.dropout is None else config.dropout,
        "bidirectional": config.bidirectional,
        "batch_norm": config.batch_norm,
        "layer_norm": config.layer_norm,
        "attention": config.attention,
        "pooling": config.pooling,
    }


def new_network(settings: dict[str, Any], config: TrainConfig) -> SequenceClassifier:
    """Return the network with random weights that depend only on the seed."""
    torch.manual_seed(config.seed)
    network = SequenceClassifier(**{**settings, "hidden": tuple(settings["hidden"])})
    if config.init is not None:
        initialize_weights(network, config.init)
    if config.forget_bias:
        init_forget_gate_bias(network)
    return network


def take_start(
    network: SequenceClassifier,
    settings: dict[str, Any],
    start: tuple[StartWeights, dict[str, str]] | None,
    listen: Listener,
) -> TakenWeights | None:
    """Copy the layers of another model that fit into a network, and send a note about them.

    Args:
        network: new network; it is changed.
        settings: its arguments.
        start: weights of the other model, and the layers that are not taken; None takes nothing.
        listen: receiver of events.
    """
    if start is None:
        return None
    weights, left_out = start
    taken = weights.take(network, PART, settings=settings, left_out=left_out)
    listen(Note(text=f"warm start: {taken}"))
    return taken


def classifier_hyperparameters(config: TrainConfig, sequences: int) -> Hyperparameters:
    """Return the hyperparameters of a training on a number of sequences."""
    if not isinstance(config.batch_size, int):
        config = replace(config, batch_size=SMALL_BATCH if sequences < SMALL else 64)
    hparams = make_hyperparameters(config, windows=sequences, targets=1)
    if sequences < FEW:
        # Few sequences are learned in some hundred steps, so they are validated more often.
        steps = max(FEW_STEPS, math.ceil(sequences / hparams.batch_size))
        hparams = replace(hparams, steps_per_epoch=steps)
    # The log-loss of a network that makes no errors falls for ever, and it becomes too certain.
    return replace(hparams, min_delta=MIN_DELTA if config.min_delta is None else config.min_delta)


def class_weights(data: SequenceData, kind: str) -> np.ndarray | None:
    """Return the weight [K] of each class in the loss; None: 1.

    Args:
        data: sequences of all splits.
        kind: `none`, or `balanced`: each class has the same total weight in the training set.
    """
    if kind == "none":
        return None
    counts = np.bincount(data.labels[data.indices("train")], minlength=len(data.schema.classes))
    weights: np.ndarray = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights


def choose_share(truth: np.ndarray) -> float:
    """Return the weight of the network with the lowest log-loss of the combined probabilities.

    It is near 0.5 if there are few sequences.

    Args:
        truth: probability [2, n] of the true class of each sequence, by the network and by the simple model.
    """
    losses = [
        -np.log(np.maximum(share * truth[0] + (1 - share) * truth[1], SMALLEST)).sum()
        + EQUAL_SHARES * (2 * share - 1) ** 2
        for share in SHARES
    ]
    return float(SHARES[int(np.argmin(losses))])
