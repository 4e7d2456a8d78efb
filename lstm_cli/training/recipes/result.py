"""What a training gives back, whatever the model."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.training.loop.fit import FitResult
from lstm_cli.training.setup.hyperparameters import Hyperparameters


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A network and the linear forecast beside it, fitted on the same rows."""

    network: nn.Module
    linear: LinearEnsemble


@dataclass(frozen=True, kw_only=True)
class PartResult:
    """One trained network, or several that differ in their seed."""

    name: str  # the part, or the model where it is trained as a whole
    lr: float
    best_epoch: int
    epochs_run: int
    steps: int  # optimizer steps at the best epoch
    stopped: str  # "epochs" or "patience"

    @staticmethod
    def from_fit(name: str, hparams: Hyperparameters, fitted: FitResult) -> "PartResult":
        """Return what is reported of a training that followed `plan`."""
        return PartResult(
            name=name,
            lr=hparams.lr,
            best_epoch=fitted.best_epoch,
            epochs_run=len(fitted.history) - 1,
            steps=fitted.best_epoch * hparams.steps_per_epoch,
            stopped=fitted.stopped,
        )


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A trained model."""

    dataset: Dataset  # scaled as the model knows it
    settings: dict[str, Any]  # the arguments of the network's class
    shipped: ModelVersion
    validated: (
        ModelVersion  # what validation scores speak of; the shipped one itself where nothing was refitted
    )
    parts: tuple[PartResult, ...]
    weights: dict[str, list[float]]  # part: its weight at each step ahead; empty where there are no parts
    choices: dict[str, str]  # what was settled from the data: the reason
    history: list[dict[str, Any]]
    precision: str = "fp32"  # of the training steps; settled by `train_model`
    seconds: float  # from the linear forecast to the refit

    @property
    def refitted(self) -> bool:
        """Whether the shipped model has seen the validation rows."""
        return self.shipped is not self.validated
