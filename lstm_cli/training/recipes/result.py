"""Result of a training, for any model."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.training.loop.fit import FitResult
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.setup.start_weights import TakenWeights


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """Network and linear forecast that were fitted on the same rows."""

    network: nn.Module
    linear: LinearEnsemble


@dataclass(frozen=True, kw_only=True)
class PartResult:
    """Result of one trained network, or of several that differ only in their seed."""

    name: str  # part, or the model if it is trained as a whole
    lr: float
    best_epoch: int
    epochs_run: int
    steps: int  # optimizer steps until the best epoch
    stopped: str  # "epochs" or "patience"
    epochs: int  # largest number of epochs
    patience: int  # epochs
    batch_size: int  # windows

    @staticmethod
    def from_fit(name: str, hparams: Hyperparameters, fitted: FitResult) -> "PartResult":
        """Return the result of a training.

        Args:
            name: part of the model.
            hparams: settings that were used.
            fitted: result of `fit`.
        """
        return PartResult(
            name=name,
            lr=hparams.lr,
            best_epoch=fitted.best_epoch,
            epochs_run=len(fitted.history) - 1,
            steps=fitted.best_epoch * hparams.steps_per_epoch,
            stopped=fitted.stopped,
            epochs=hparams.epochs,
            patience=hparams.patience,
            batch_size=hparams.batch_size,
        )


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """Trained model and how it was made."""

    dataset: Dataset  # scaled as the model reads it
    settings: dict[str, Any]  # arguments of the network's class
    shipped: ModelVersion
    validated: ModelVersion  # version of the validation scores; the shipped one without a refit
    parts: tuple[PartResult, ...]
    weights: dict[str, list[float]]  # part: its weight at each step ahead; empty without parts
    choices: dict[str, str]  # automatic choice: its reason
    history: list[dict[str, Any]]
    taken: tuple[TakenWeights, ...] = ()  # layers of each network at the start; empty without a warm start
    precision: str = "fp32"  # of the training steps; set by `train_model`
    seconds: float  # from the linear forecast to the refit

    @property
    def refitted(self) -> bool:
        """Return whether the shipped model was also fitted on the validation rows."""
        return self.shipped is not self.validated
