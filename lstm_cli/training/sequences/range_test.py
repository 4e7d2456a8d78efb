"""Learning rate range test of a classifier of sequences."""

from collections.abc import Callable

import torch

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.events import Listener
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.training.loop.out_of_memory import as_device_error
from lstm_cli.training.lr_range_test import RangeTest, run_range_test
from lstm_cli.training.sequences.device_sequences import DeviceSequences
from lstm_cli.training.sequences.train_classifier import (
    PART,
    class_weights,
    classifier_hyperparameters,
    network_settings,
    new_network,
    take_start,
)
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.start_weights import StartWeights


def run_classifier_range_test(
    data: SequenceData,
    config: ClassifyTrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    start: tuple[StartWeights, dict[str, str]] | None = None,
) -> RangeTest:
    """Return the range test of the network on the training sequences.

    Args:
        data: sequences of all splits.
        config: settings of the training.
        threads: CPU threads.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        start: weights at which the network starts, and the layers that it must not take; None: random ones.

    Raises:
        DeviceError: the device is missing or its memory is too small.
        TrainingDiverged: the first loss is not finite.
        Interrupted: `should_stop` returned a signal.
    """
    device = choose_device(config.device)
    torch.set_num_threads(threads)
    settings = network_settings(data, config)
    network = new_network(settings, config)
    take_start(network, settings, start, listen)
    network = network.to(device)
    with as_device_error(f"on {device} while training", hint="use a smaller --batch-size or --hidden"):
        weights = class_weights(data, config.class_weights)
        train = DeviceSequences.from_data(data, "train", device, class_weights=weights)
        hparams = classifier_hyperparameters(config, len(train))
        return run_range_test(network, train, hparams, part=PART, listen=listen, should_stop=should_stop)
