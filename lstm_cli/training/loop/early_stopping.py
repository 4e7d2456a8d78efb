"""Early stopping: the best epoch so far, and when to stop."""

import math

from lstm_cli.training.setup.hyperparameters import Hyperparameters


class EarlyStopping:
    """Best validation loss so far, and the epochs since then."""

    def __init__(self, hparams: Hyperparameters) -> None:
        self.patience, self.min_delta = hparams.patience, hparams.min_delta
        self.best = math.inf
        self.best_epoch = 0
        self.waited = 0

    def update(self, epoch: int, loss: float) -> bool:
        """Record an epoch's loss and return whether it improves on the best one by more than min_delta."""
        if loss < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            return True
        self.waited += 1
        return False

    def is_due(self, interval: int) -> bool:
        """Return whether a multiple of `interval` epochs has passed since the best one."""
        return self.waited > 0 and self.waited % max(1, interval) == 0

    @property
    def should_stop(self) -> bool:
        """Return whether patience has run out."""
        return self.waited >= self.patience
