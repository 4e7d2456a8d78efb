"""Early stopping: the best epoch so far, and when to end the training."""

import math

from lstm_cli.training.setup.hyperparameters import Hyperparameters


class EarlyStopping:
    """Early stopping: remembers the best validation loss and how long ago it was."""

    def __init__(self, hparams: Hyperparameters) -> None:
        self.patience, self.min_delta = hparams.patience, hparams.min_delta
        self.best = math.inf
        self.best_epoch = 0
        self.waited = 0

    def update(self, epoch: int, loss: float) -> bool:
        """Takes in an epoch's loss; True where it is better than the best by more than min_delta."""
        if loss < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            return True
        self.waited += 1
        return False

    def is_due(self, interval: int) -> bool:
        """Whether a multiple of so many epochs went by since the best one."""
        return self.waited > 0 and self.waited % max(1, interval) == 0

    @property
    def should_stop(self) -> bool:
        return self.waited >= self.patience
