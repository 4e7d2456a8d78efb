"""Diagnosis of a training from its loss curves: the problem, its symptom, and the flag to try.

The checks are rules of thumb. Each one reports only a clear symptom, so a good training has no finding. The training
loss judges the learning rate, because a validation loss can jump with the few rows that it covers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.training.recipes.result import PartResult, TrainingResult

EXPLODING_NORM = 100.0  # gradient norm; with losses in scaled units it is usually 0.1 to 1
VANISHING_SHARE = 1e-3  # share of the first layer in the gradient norm; usually 0.1 to 0.9
JUMP_FACTOR = 1.15  # ratio of a training loss to the lowest one before it
MIN_VAL_RISE = 0.10  # relative rise of the validation loss after its best epoch
MIN_TRAIN_FALL = 0.40  # relative fall of the training loss after the best epoch
MIN_IMPROVEMENT = 0.15  # relative fall of a loss; with less, the model has learned little
STEADY_SHARE = (
    0.5  # ratio of the falls per learning rate in both halves of a training that has not levelled out
)
MIN_EPOCHS_AFTER_BEST = 3  # epochs after the best one before over-fitting is reported
STEEP_FALL = 0.10  # relative fall of the validation loss in one epoch that shows it was still falling
SHORT_PATIENCE = 4  # epochs; a longer patience is never called too short


@dataclass(frozen=True, kw_only=True)
class TrainingIssue:
    """Problem found in one training."""

    part: str  # part of the model, or its name if it is trained as a whole
    name: str  # over-fitting, under-fitting, learning rate too high, and so on
    sign: str  # symptom in the history
    advice: str  # flag to try


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """Curves of one training."""

    train: np.ndarray  # [E] losses of the epochs after the first validation
    val: np.ndarray  # [E + 1] with the untrained start
    lr: np.ndarray  # [E]
    grad_norm: np.ndarray  # [E] of the gradient, before clipping
    first_grad_norm: np.ndarray  # [E] of the gradient in the first LSTM layer, before clipping
    best_epoch: int
    part: PartResult
    config: TrainConfig

    @property
    def epochs(self) -> int:
        """Return E, the number of epochs that were run."""
        return len(self.train)

    @property
    def improvement(self) -> float:
        """Return the share by which the best validation loss is below that of the untrained network."""
        return float(1 - self.val.min() / self.val[0]) if self.val[0] > 0 else 0.0

    def issue(self, name: str, sign: str, advice: str) -> TrainingIssue:
        """Return an issue of this training.

        Args:
            name: problem, such as `over-fitting`.
            sign: symptom in the history.
            advice: flag to try.
        """
        return TrainingIssue(part=self.part.name, name=name, sign=sign, advice=advice)


def diagnose_trainings(trained: TrainingResult, config: TrainConfig) -> tuple[TrainingIssue, ...]:
    """Return the problems of all trainings of a model; empty if there are none."""
    issues: dict[tuple[str, str], TrainingIssue] = {}
    for part, history in zip(trained.parts, _split_trainings(trained.history), strict=True):
        for issue in training_issues(history, part, config):
            issues.setdefault((issue.part, issue.name), issue)
    return tuple(issues.values())


def training_issues(
    history: Sequence[Mapping[str, Any]], part: PartResult, config: TrainConfig
) -> list[TrainingIssue]:
    """Return the problems of one training.

    Args:
        history: one entry per epoch; the first is the validation before the first step (see `EpochEnded`).
        part: result of the training.
        config: settings of the training.
    """
    curves = _make_history(history, part, config)
    if curves.epochs < 2:
        return []
    issues = [issue for check in (_exploding, _rate_too_high) if (issue := check(curves)) is not None]
    # A large step can saturate cells, which then pass no gradient on. That is not a separate problem.
    issues += [] if issues else _as_list(_vanishing(curves))
    issues += [] if issues else _as_list(_still_falling(curves) or _under_fitting(curves))
    return issues + _as_list(_over_fitting(curves) or _patience_too_short(curves))


def _exploding(curves: TrainingHistory) -> TrainingIssue | None:
    if curves.grad_norm.max() < EXPLODING_NORM:
        return None
    clip_norm = curves.config.clip_norm or 0.0
    return curves.issue(
        "exploding gradients",
        f"the gradient's norm reached {curves.grad_norm.max():.3g} in epoch {int(curves.grad_norm.argmax()) + 1}",
        f"--lr {curves.part.lr / 3:.1g}" if 0 < clip_norm <= 1 else "--clip-norm 1",
    )


def _rate_too_high(curves: TrainingHistory) -> TrainingIssue | None:
    lowest = np.minimum.accumulate(curves.train)[:-1]
    jumps = int((curves.train[1:] > JUMP_FACTOR * lowest).sum())
    advice = f"--lr {curves.part.lr / 3:.1g}"
    if jumps >= max(2, 0.15 * curves.epochs):
        sign = f"the training loss jumped up by more than {JUMP_FACTOR - 1:.0%} in {jumps} of {curves.epochs} epochs"
        return curves.issue("learning rate too high", sign, advice)
    if curves.val[1] > JUMP_FACTOR * curves.val[0]:
        sign = (
            f"the first epoch made the validation loss worse, from {curves.val[0]:.4g} to {curves.val[1]:.4g}"
        )
        return curves.issue("learning rate too high", sign, advice)
    return None


def _vanishing(curves: TrainingHistory) -> TrainingIssue | None:
    epochs = int((curves.first_grad_norm < VANISHING_SHARE * curves.grad_norm).sum())
    if epochs < max(2, 0.25 * curves.epochs):
        return None
    return curves.issue(
        "vanishing gradients",
        f"in {epochs} of {curves.epochs} epochs, less than {VANISHING_SHARE:.1%} of the gradient reached the first "
        "LSTM layer",
        "--init orthogonal --forget-bias, or fewer layers in --hidden"
        if curves.config.model == "stacked"
        else "a longer --segment, so that the LSTM has fewer steps",
    )


def _still_falling(curves: TrainingHistory) -> TrainingIssue | None:
    """Check for a training that ended before its loss levelled out: too slow or too short."""
    improvements = int((curves.val[1:] < np.minimum.accumulate(curves.val)[:-1]).sum())
    if (
        curves.part.stopped != "epochs"
        or curves.best_epoch < curves.epochs
        or improvements < 0.8 * curves.epochs
    ):
        return None
    half = curves.epochs // 2
    lr_sums = curves.lr[:half].sum(), curves.lr[half:].sum()
    speeds = (curves.val[0] - curves.val[half]) / lr_sums[0], (curves.val[half] - curves.val[-1]) / lr_sums[1]
    if speeds[1] < STEADY_SHARE * speeds[0]:
        return None
    sign = f"the validation loss was still falling at the end of the {curves.epochs} epochs"
    if curves.improvement < 2 * MIN_IMPROVEMENT:
        sign = f"the validation loss fell steadily, but by only {curves.improvement:.1%} in total"
        return curves.issue("learning rate too low", sign, f"--lr {10 * curves.part.lr:.1g}")
    return curves.issue("under-fitting", sign, f"--epochs {3 * curves.epochs}")


def _under_fitting(curves: TrainingHistory) -> TrainingIssue | None:
    """Check for a loss that hardly fell; `segment` is skipped, because its networks start at good forecasts."""
    train_fall = 1 - curves.train[-1] / curves.train[0] if curves.train[0] > 0 else 0.0
    if (
        curves.config.model == "segment"
        or curves.improvement >= MIN_IMPROVEMENT
        or train_fall >= MIN_IMPROVEMENT
    ):
        return None
    config = curves.config
    if config.max_norm is not None:
        advice = f"a larger --max-norm, such as {10 * config.max_norm:.2g}"
    elif config.weight_decay > 1e-2:
        advice = "--weight-decay 1e-4"
    elif (config.dropout or 0.0) > 0.3:
        advice = "--dropout 0.1"
    else:
        advice = f"--hidden {','.join(str(2 * size) for size in config.sizes)}, or more informative inputs"
    sign = f"the validation loss fell by only {max(curves.improvement, 0):.1%}, and the training loss by little more"
    return curves.issue("under-fitting", sign, advice)


def _over_fitting(curves: TrainingHistory) -> TrainingIssue | None:
    if not 0 < curves.best_epoch <= curves.epochs - MIN_EPOCHS_AFTER_BEST:
        return None
    rise = curves.val[-1] / curves.val[curves.best_epoch] - 1
    fall = 1 - curves.train[-1] / curves.train[curves.best_epoch - 1]
    if rise < MIN_VAL_RISE or fall < MIN_TRAIN_FALL:
        return None
    dropout = 0.2 if curves.config.dropout is None else curves.config.dropout
    smaller = ",".join(str(max(1, size // 2)) for size in curves.config.sizes)
    return curves.issue(
        "over-fitting",
        f"after the best epoch ({curves.best_epoch}, which is kept), the training loss fell by {fall:.0%} and the "
        f"validation loss rose by {rise:.0%}",
        f"--dropout {max(0.2, 2 * dropout):.2g}" if dropout <= 0.3 else f"--hidden {smaller}",
    )


def _patience_too_short(curves: TrainingHistory) -> TrainingIssue | None:
    """Check for a training that stopped at the first bump of a loss that was falling fast."""
    waited = curves.epochs - curves.best_epoch
    if curves.part.stopped != "patience" or waited > SHORT_PATIENCE or not curves.best_epoch:
        return None
    fall = 1 - curves.val[curves.best_epoch] / curves.val[curves.best_epoch - 1]
    if fall < STEEP_FALL:
        return None
    return curves.issue(
        "patience too short",
        f"training stopped {waited} epoch{'s' if waited > 1 else ''} after the best one, but that epoch lowered "
        f"the validation loss by {fall:.0%}",
        "--patience 10",
    )


def _make_history(
    history: Sequence[Mapping[str, Any]], part: PartResult, config: TrainConfig
) -> TrainingHistory:
    def column(name: str, entries: Iterable[Mapping[str, Any]]) -> np.ndarray:
        return np.array([entry[name] for entry in entries], dtype=np.float64)

    epochs = history[1:]
    return TrainingHistory(
        train=column("train_loss", epochs),
        val=column("val_loss", history),
        lr=column("lr", epochs),
        grad_norm=column("grad_norm", epochs),
        first_grad_norm=column("first_grad_norm", epochs),
        best_epoch=part.best_epoch,
        part=part,
        config=config,
    )


def _split_trainings(history: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the history of each training from their concatenation."""
    trainings: list[list[Mapping[str, Any]]] = []
    for entry in history:
        if entry["epoch"] == 0:
            trainings.append([])
        trainings[-1].append(entry)
    return trainings


def _as_list(issue: TrainingIssue | None) -> list[TrainingIssue]:
    return [] if issue is None else [issue]
