"""What the history of a training says of it: what went wrong, how it shows, and the flag to try.

Rules of thumb on a handful of curves; each speaks only where its sign is plain, and a good training gets none. The
training loss tells of the learning rate, since a validation loss jumps with the rows that it happens to hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.training.recipes.result import PartResult, TrainingResult

EXPLODING_NORM = 100.0  # norm of a gradient; with losses in scaled units it is about 0.1 to 1
VANISHING_SHARE = 1e-3  # the first layer's share of the gradient's norm; usually it is 0.1 to 0.9
JUMP_FACTOR = 1.15  # a training loss that is so many times the least one before it
MIN_VAL_RISE = 0.10  # of the validation loss from its best epoch to the last, as a share
MIN_TRAIN_FALL = 0.40  # fall of the training loss over the same epochs, as a share
MIN_IMPROVEMENT = 0.15  # of the first loss: a training that lowers it by less has learned little
STEADY_SHARE = (
    0.5  # of the speed of the first half, per learning rate: a loss that falls so fast has not levelled out
)
MIN_EPOCHS_AFTER_BEST = 3  # epochs after the best one that it takes to call a training over-fitted
STEEP_FALL = 0.10  # fall of the validation loss in one epoch, as a share: it has not levelled out
SHORT_PATIENCE = 4  # epochs: a patience of more is not called too short


@dataclass(frozen=True, kw_only=True)
class TrainingIssue:
    """One thing that went wrong."""

    part: str  # of the model, or its name where it is trained as a whole
    name: str  # over-fitting, under-fitting, learning rate too high, and so on
    sign: str  # how it shows in the history
    advice: str  # the flag to try


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """The history of one training."""

    train: np.ndarray  # [E] losses of the epochs after the first validation
    val: np.ndarray  # [E + 1]: of the untrained start too
    lr: np.ndarray  # [E]
    grad_norm: np.ndarray  # [E] of the gradient, before clipping
    first_grad_norm: np.ndarray  # [E] likewise, of the first LSTM layer
    best_epoch: int  # the best epoch
    part: PartResult
    config: TrainConfig

    @property
    def epochs(self) -> int:
        """E, the epochs that were run."""
        return len(self.train)

    @property
    def improvement(self) -> float:
        """By which share the best validation loss is below that of the untrained start."""
        return float(1 - self.val.min() / self.val[0]) if self.val[0] > 0 else 0.0

    def issue(self, name: str, sign: str, advice: str) -> TrainingIssue:
        """A finding of this training."""
        return TrainingIssue(part=self.part.name, name=name, sign=sign, advice=advice)


def diagnose_trainings(trained: TrainingResult, config: TrainConfig) -> tuple[TrainingIssue, ...]:
    """What went wrong in the trainings of a model; nothing where nothing did."""
    found: dict[tuple[str, str], TrainingIssue] = {}
    for part, history in zip(trained.parts, _split_trainings(trained.history), strict=True):
        for finding in training_issues(history, part, config):
            found.setdefault((finding.part, finding.name), finding)
    return tuple(found.values())


def training_issues(
    history: Sequence[Mapping[str, Any]], part: PartResult, config: TrainConfig
) -> list[TrainingIssue]:
    """Of one training, whose history begins with the validation before its first step (see `EpochEnded`)."""
    course = _make_history(history, part, config)
    if course.epochs < 2:
        return []
    found = [finding for check in (_exploding, _rate_too_high) if (finding := check(course)) is not None]
    # Cells that a wild step has saturated pass no gradient on: that is no news of its own.
    found += [] if found else _as_list(_vanishing(course))
    found += [] if found else _as_list(_still_falling(course) or _under_fitting(course))
    return found + _as_list(_over_fitting(course) or _patience_too_short(course))


def _exploding(course: TrainingHistory) -> TrainingIssue | None:
    if course.grad_norm.max() < EXPLODING_NORM:
        return None
    clipped = course.config.clip_norm or 0.0
    return course.issue(
        "exploding gradients",
        f"the gradient's norm reached {course.grad_norm.max():.3g} in epoch {int(course.grad_norm.argmax()) + 1}",
        f"--lr {course.part.lr / 3:.1g}" if 0 < clipped <= 1 else "--clip-norm 1",
    )


def _rate_too_high(course: TrainingHistory) -> TrainingIssue | None:
    least = np.minimum.accumulate(course.train)[:-1]
    jumps = int((course.train[1:] > JUMP_FACTOR * least).sum())
    advice = f"--lr {course.part.lr / 3:.1g}"
    if jumps >= max(2, 0.15 * course.epochs):
        sign = f"the training loss jumped up by more than {JUMP_FACTOR - 1:.0%} in {jumps} of {course.epochs} epochs"
        return course.issue("learning rate too high", sign, advice)
    if course.val[1] > JUMP_FACTOR * course.val[0]:
        sign = (
            f"the first epoch made the validation loss worse, from {course.val[0]:.4g} to {course.val[1]:.4g}"
        )
        return course.issue("learning rate too high", sign, advice)
    return None


def _vanishing(course: TrainingHistory) -> TrainingIssue | None:
    faint = int((course.first_grad_norm < VANISHING_SHARE * course.grad_norm).sum())
    if faint < max(2, 0.25 * course.epochs):
        return None
    return course.issue(
        "vanishing gradients",
        f"in {faint} of {course.epochs} epochs less than {VANISHING_SHARE:.1%} of the gradient reached the first LSTM layer",
        "--init orthogonal --forget-bias, or fewer layers in --hidden"
        if course.config.model == "stacked"
        else "a longer --segment: fewer of them to look back over",
    )


def _still_falling(course: TrainingHistory) -> TrainingIssue | None:
    """A training that ended before its loss had levelled out: too slow, or too short."""
    betters = int((course.val[1:] < np.minimum.accumulate(course.val)[:-1]).sum())
    if course.part.stopped != "epochs" or course.best_epoch < course.epochs or betters < 0.8 * course.epochs:
        return None
    half = course.epochs // 2
    way = course.lr[:half].sum(), course.lr[half:].sum()
    speed = (course.val[0] - course.val[half]) / way[0], (course.val[half] - course.val[-1]) / way[1]
    if speed[1] < STEADY_SHARE * speed[0]:
        return None
    sign = f"the validation loss was still falling when the {course.epochs} epochs were over"
    if course.improvement < 2 * MIN_IMPROVEMENT:
        sign = f"the validation loss fell steadily, and by {course.improvement:.1%} in all"
        return course.issue("learning rate too low", sign, f"--lr {10 * course.part.lr:.1g}")
    return course.issue("under-fitting", sign, f"--epochs {3 * course.epochs}")


def _under_fitting(course: TrainingHistory) -> TrainingIssue | None:
    """The networks of `segment` start at good forecasts: that they gain little says nothing of them."""
    learned = 1 - course.train[-1] / course.train[0] if course.train[0] > 0 else 0.0
    if (
        course.config.model == "segment"
        or course.improvement >= MIN_IMPROVEMENT
        or learned >= MIN_IMPROVEMENT
    ):
        return None
    config = course.config
    if config.max_norm is not None:
        advice = f"a larger --max-norm, such as {10 * config.max_norm:.2g}"
    elif config.weight_decay > 1e-2:
        advice = "--weight-decay 1e-4"
    elif (config.dropout or 0.0) > 0.3:
        advice = "--dropout 0.1"
    else:
        advice = f"--hidden {','.join(str(2 * size) for size in config.sizes)}, or inputs that tell more"
    sign = f"the validation loss fell by {max(course.improvement, 0):.1%} in all, and the training loss hardly more"
    return course.issue("under-fitting", sign, advice)


def _over_fitting(course: TrainingHistory) -> TrainingIssue | None:
    if not 0 < course.best_epoch <= course.epochs - MIN_EPOCHS_AFTER_BEST:
        return None
    rise = course.val[-1] / course.val[course.best_epoch] - 1
    fall = 1 - course.train[-1] / course.train[course.best_epoch - 1]
    if rise < MIN_VAL_RISE or fall < MIN_TRAIN_FALL:
        return None
    dropout = 0.2 if course.config.dropout is None else course.config.dropout
    smaller = ",".join(str(max(1, size // 2)) for size in course.config.sizes)
    return course.issue(
        "over-fitting",
        f"after epoch {course.best_epoch}, which is kept, the training loss fell by {fall:.0%} and the validation loss rose "
        f"by {rise:.0%}",
        f"--dropout {max(0.2, 2 * dropout):.2g}" if dropout <= 0.3 else f"--hidden {smaller}",
    )


def _patience_too_short(course: TrainingHistory) -> TrainingIssue | None:
    """Stopped on the first bump of a loss that was falling fast."""
    waited = course.epochs - course.best_epoch
    if course.part.stopped != "patience" or waited > SHORT_PATIENCE or not course.best_epoch:
        return None
    fall = 1 - course.val[course.best_epoch] / course.val[course.best_epoch - 1]
    if fall < STEEP_FALL:
        return None
    return course.issue(
        "patience too short",
        f"training stopped {waited} epoch{'s' if waited > 1 else ''} after the best one, which alone had lowered the "
        f"validation loss by {fall:.0%}",
        "--patience 10",
    )


def _make_history(
    history: Sequence[Mapping[str, Any]], part: PartResult, config: TrainConfig
) -> TrainingHistory:
    def column(name: str, entries: Iterable[Mapping[str, Any]]) -> np.ndarray:
        return np.array([entry[name] for entry in entries], dtype=np.float64)

    trained = history[1:]
    return TrainingHistory(
        train=column("train_loss", trained),
        val=column("val_loss", history),
        lr=column("lr", trained),
        grad_norm=column("grad_norm", trained),
        first_grad_norm=column("first_grad_norm", trained),
        best_epoch=part.best_epoch,
        part=part,
        config=config,
    )


def _split_trainings(history: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The history of each training, where they stand one after another."""
    trainings: list[list[Mapping[str, Any]]] = []
    for entry in history:
        if entry["epoch"] == 0:
            trainings.append([])
        trainings[-1].append(entry)
    return trainings


def _as_list(finding: TrainingIssue | None) -> list[TrainingIssue]:
    return [] if finding is None else [finding]
