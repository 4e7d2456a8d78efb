"""What the linear forecast settles before a network is trained: logarithms, and covariates that are known ahead."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.build.log_transform import MIN_LEVEL_RATIO, can_log_transform, level_ratio, log_transform
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.errors import DataError, TrainingDiverged
from lstm_cli.events import Listener, ignore_events
from lstm_cli.linear.ensemble import fit_linear, linear_lookbacks
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.training.recipes.linear_checkpoint import LINEAR, Progress, resumable_linear
from lstm_cli.training.setup.checkpoint_state import Checkpoints

NO_CHECKPOINTS = Checkpoints()
COVARIATES_GAIN = (
    0.005  # known-ahead inputs enter the linear forecast where they lower its error by this share
)
# With fewer training rows (windows x targets) for each value that the linear forecast reads, nothing is fitted again: a
# regression errs most where it has as many rows as inputs (Belkin et al. 2019, "Reconciling modern machine-learning
# practice and the classical bias-variance trade-off"), and a few rows more may take it there with penalties that were
# chosen elsewhere.
ROWS_PER_INPUT = 2
TOO_LARGE = 1e17  # a scaled value; the squares of a lookback are summed, and a float of 32 bits ends at 3e38


@dataclass(frozen=True, kw_only=True)
class TransformedData:
    """What a training starts from."""

    dataset: Dataset  # in logs where those were chosen
    linear: LinearEnsemble
    choices: dict[str, str]


def choose_transforms(
    dataset: Dataset,
    config: TrainConfig,
    *,
    workers: int = 1,
    should_stop: Callable[[], int | None] = lambda: None,
    listen: Listener = ignore_events,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> TransformedData:
    """Fit the linear forecast every way that is open and keep the best on validation.

    Raises DataError for `--log-transform on` where a training value is not positive, TrainingDiverged where values are
    too large to train on, Interrupted.
    """
    _require_bearable(dataset)

    def fitted(dataset: Dataset, *, covariates: bool = False) -> LinearEnsemble:
        variants = {"log transform": dataset.scaler.log_transformed, "covariates": covariates}
        way = ", ".join(name for name, chosen in variants.items() if chosen)
        return resumable_linear(
            f"{LINEAR} ({way})" if way else LINEAR,
            lambda progress: fit_linear_forecast(
                dataset, workers, covariates=covariates, should_stop=should_stop, progress=progress
            ),
            checkpoints=checkpoints,
            listen=listen,
        )

    dataset, linear, why = _log_transform(dataset, config, fitted)
    choices = {"logs": why}
    if dataset.schema.known_ahead:
        linear, choices["covariates"] = _covariates(linear, fitted(dataset, covariates=True))
    return TransformedData(dataset=dataset, linear=linear, choices=choices)


def _require_bearable(dataset: Dataset) -> None:
    """Raise TrainingDiverged where no network, nor the linear forecast, could reckon with the values."""
    table = dataset.series
    largest = 0.0
    for begin, rows in zip(table.offset, table.val_end, strict=True):
        values = dataset.values_scaled[begin : begin + rows]
        measured = dataset.measured[begin : begin + rows]  # a fill may come from a later row
        least, greatest = values.min(initial=0, where=measured), values.max(initial=0, where=measured)
        largest = max(largest, float(greatest), -float(least))
    if not largest < TOO_LARGE:
        raise TrainingDiverged(
            f"training diverged before epoch 1, step 1: scaled values reach {largest:.3g}, and 32 bits do not "
            "hold their squares",
            hint="prepare without the rows that hold them (--start, --end), or with --scaler standard",
        )


def fit_linear_forecast(
    dataset: Dataset,
    workers: int,
    *,
    covariates: bool = False,
    should_stop: Callable[[], int | None] = lambda: None,
    progress: Progress = lambda done, total: None,
) -> LinearEnsemble:
    """Fit the linear forecast with the lookbacks that the data allow."""
    schema = dataset.schema
    lookbacks = linear_lookbacks(
        lookback=schema.lookback,
        rows=int(np.median(dataset.series.train_end)),
        horizon=schema.horizon,
        season=schema.season,
        fixed=schema.lookback_fixed,
    )
    return fit_linear(
        dataset,
        lookbacks=lookbacks,
        window=schema.lookback,
        covariates=covariates,
        workers=workers,
        should_stop=should_stop,
        progress=progress,
    )


def choose_refit(config: TrainConfig, *, rows: int, linear: LinearEnsemble) -> tuple[bool, str]:
    """Whether the model is fitted again on training and validation rows, and why; rows: training windows x targets."""
    if config.refit is not None:
        return config.refit, "on training and validation rows" if config.refit else "none, as --no-refit says"
    if config.model != "segment":
        return False, "none (--refit)"
    if config.effort == "fast":
        return False, "none, as --effort fast says"
    if rows < ROWS_PER_INPUT * linear.lookback:
        reason = f"{rows:,} training windows are too few for a linear forecast from {linear.lookback} values"
        return False, f"none: {reason} (--refit)"
    return True, "on training and validation rows"


def _log_transform(
    dataset: Dataset, config: TrainConfig, fitted: Callable[[Dataset], LinearEnsemble]
) -> tuple[Dataset, LinearEnsemble, str]:
    possible = can_log_transform(dataset)
    if config.log_transform == "on":
        if not possible:
            raise DataError(
                "--log-transform on needs training values above 0 in every series and target, and the standard scaler",
                hint="use --log-transform off, or prepare the data without values at or below 0",
                rule="D633",
                flags=("--log-transform",),
            )
        logged = log_transform(dataset)
        return logged, fitted(logged), "on, as --log-transform says"
    plain = fitted(dataset)
    if config.log_transform == "off":
        return dataset, plain, "off, as --log-transform says"
    if not possible:
        return dataset, plain, "off: not every training value is above 0"
    spread = level_ratio(dataset)
    logged = log_transform(dataset)
    in_log = fitted(logged)
    if spread > MIN_LEVEL_RATIO:
        return logged, in_log, f"on: the levels of the series differ by a factor of {spread:.3g}"
    scores = f"validation MASE of the linear forecast {in_log.score:.4g} with it, {plain.score:.4g} without"
    if in_log.score < plain.score:
        return logged, in_log, f"on: {scores}"
    return dataset, plain, f"off: {scores}"


def _covariates(plain: LinearEnsemble, with_them: LinearEnsemble) -> tuple[LinearEnsemble, str]:
    scores = (
        f"validation MASE of the linear forecast {with_them.score:.4g} with them, {plain.score:.4g} without"
    )
    if with_them.score < (1 - COVARIATES_GAIN) * plain.score:
        return with_them, f"known-ahead inputs are in the linear forecast: {scores}"
    return plain, f"known-ahead inputs are in the networks alone: {scores}"
