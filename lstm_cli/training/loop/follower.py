"""Ranks other than 0: they train together with rank 0, and neither read, write nor print."""

from contextlib import suppress

import torch

from lstm_cli.errors import TrainingDiverged
from lstm_cli.events import ignore_events
from lstm_cli.training.loop.distributed import LeaderEnded, Ranks, join, leave, lost_process_as_error
from lstm_cli.training.loop.out_of_memory import BatchTooLarge, fit_in_memory
from lstm_cli.training.loop.shared_training import SharedTraining
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot, IncompatibleState
from lstm_cli.training.setup.malloc import keep_freed_memory


def follow(device: str) -> None:
    """Take part in the trainings of rank 0 until it ends.

    Raises:
        DeviceError: rank 0 is lost, or the memory of this rank ran out during a training.
    """
    ranks = join(device)
    keep_freed_memory()
    try:
        while True:
            _train_next(ranks)
    except LeaderEnded:
        leave()


def _train_next(ranks: Ranks) -> None:
    """Take part in the next training. An error that all ranks have is that of rank 0, which reports it."""
    with lost_process_as_error():
        training = SharedTraining.receive(ranks)
    torch.set_num_threads(training.threads)
    with suppress(BatchTooLarge, IncompatibleState, TrainingDiverged):
        fit_in_memory(
            training.architecture.build().to(ranks.device),
            training.examples,
            (lambda network: 0.0) if training.validated else None,
            training.hparams,
            architecture=training.architecture,
            shrink=training.shrink,
            part=training.part,
            listen=ignore_events,
            should_stop=lambda: None,
            slot=CheckpointSlot(stored=training.stored),
        )
