"""Choices that the linear forecast makes before a network is trained: log transform, known-ahead covariates, refit."""

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
COVARIATES_GAIN = 0.005  # smallest relative gain for which the linear forecast uses known-ahead inputs
# With fewer training rows (windows x targets) per input of the linear forecast, there is no refit. The error of a
# regression peaks where it has as many rows as inputs (Belkin et al. 2019, "Reconciling modern machine-learning
# practice and the classical bias-variance trade-off"). A refit adds rows, so it can reach that peak, with penalties
# that were chosen for fewer rows.
ROWS_PER_INPUT = 2
MAX_SCALED_VALUE = 1e17  # squares over a lookback are summed, and the largest 32-bit float is 3e38


@dataclass(frozen=True, kw_only=True)
class TransformedData:
    """Data and linear forecast that a training starts from."""

    dataset: Dataset  # log-transformed if that was chosen
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
    """Fit the linear forecast with each allowed combination of settings and keep the best on validation.

    Args:
        dataset: scaled data.
        config: settings of the training.
        workers: CPU threads; they do not change the result.
        should_stop: returns the number of a signal to stop at, else None.
        listen: receiver of events.
        checkpoints: stored linear forecasts, and where new ones are saved.

    Raises:
        DataError: `--log-transform on` with a training value that is not positive.
        TrainingDiverged: values are too large for 32-bit floats.
        Interrupted: `should_stop` returned a signal.
    """
    _require_moderate_values(dataset)

    def fit(dataset: Dataset, *, covariates: bool = False) -> LinearEnsemble:
        variants = {"log transform": dataset.scaler.log_transformed, "covariates": covariates}
        variant = ", ".join(name for name, chosen in variants.items() if chosen)
        return resumable_linear(
            f"{LINEAR} ({variant})" if variant else LINEAR,
            lambda progress: fit_linear_forecast(
                dataset, workers, covariates=covariates, should_stop=should_stop, progress=progress
            ),
            checkpoints=checkpoints,
            listen=listen,
        )

    dataset, linear, reason = _choose_log_transform(dataset, config, fit)
    choices = {"logs": reason}
    if dataset.schema.changes_ahead:
        linear, choices["covariates"] = _choose_covariates(linear, fit(dataset, covariates=True))
    return TransformedData(dataset=dataset, linear=linear, choices=choices)


def _require_moderate_values(dataset: Dataset) -> None:
    """Raise TrainingDiverged if values are too large for 32-bit arithmetic."""
    table = dataset.series
    largest = 0.0
    for begin, rows in zip(table.offset, table.val_end, strict=True):
        values = dataset.values_scaled[begin : begin + rows]
        measured = dataset.measured[begin : begin + rows]  # a filled value may come from a later row
        minimum, maximum = values.min(initial=0, where=measured), values.max(initial=0, where=measured)
        largest = max(largest, float(maximum), -float(minimum))
    if not largest < MAX_SCALED_VALUE:
        raise TrainingDiverged(
            f"training diverged at its start: scaled values reach {largest:.3g}, and their squares overflow "
            "32-bit floats",
            hint="prepare again without the extreme values (--start, --end), or with --scaler standard",
        )


def fit_linear_forecast(
    dataset: Dataset,
    workers: int,
    *,
    covariates: bool = False,
    should_stop: Callable[[], int | None] = lambda: None,
    progress: Progress = lambda done, total: None,
) -> LinearEnsemble:
    """Fit the linear forecast with the lookbacks that the data allow.

    Args:
        dataset: scaled data.
        workers: CPU threads; they do not change the result.
        covariates: use known-ahead inputs.
        should_stop: returns the number of a signal to stop at, else None.
        progress: called with the number of finished fits and the total.

    Raises:
        Interrupted: `should_stop` returned a signal.
    """
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
    """Return whether the model is refitted on training and validation rows, and the reason.

    Args:
        config: settings of the training.
        rows: training windows x targets.
        linear: linear forecast.
    """
    if config.refit is not None:
        return config.refit, "on training and validation rows" if config.refit else "none (set by --no-refit)"
    if config.model != "segment":
        return False, "none (--refit turns it on)"
    if config.effort == "fast":
        return False, "none (set by --effort fast)"
    if rows < ROWS_PER_INPUT * linear.lookback:
        reason = f"{rows:,} training windows are too few for a linear forecast from {linear.lookback} values"
        return False, f"none ({reason}, --refit turns it on)"
    return True, "on training and validation rows"


def _choose_log_transform(
    dataset: Dataset, config: TrainConfig, fit: Callable[[Dataset], LinearEnsemble]
) -> tuple[Dataset, LinearEnsemble, str]:
    possible = can_log_transform(dataset)
    if config.log_transform == "on":
        if not possible:
            raise DataError(
                "--log-transform on needs positive training values in every series and target, and the standard scaler",
                hint="use --log-transform off, or prepare again without zero and negative values",
                rule="D633",
                flags=("--log-transform",),
            )
        log_dataset = log_transform(dataset)
        return log_dataset, fit(log_dataset), "on (set by --log-transform)"
    plain = fit(dataset)
    if config.log_transform == "off":
        return dataset, plain, "off (set by --log-transform)"
    if not possible:
        return dataset, plain, "off (some training values are zero or negative)"
    ratio = level_ratio(dataset)
    log_dataset = log_transform(dataset)
    log_linear = fit(log_dataset)
    if ratio > MIN_LEVEL_RATIO:
        return log_dataset, log_linear, f"on (the levels of the series differ by a factor of {ratio:.3g})"
    scores = (
        f"validation MASE of the linear forecast {log_linear.score:.4g} with it, {plain.score:.4g} without"
    )
    if log_linear.score < plain.score:
        return log_dataset, log_linear, f"on ({scores})"
    return dataset, plain, f"off ({scores})"


def _choose_covariates(plain: LinearEnsemble, with_them: LinearEnsemble) -> tuple[LinearEnsemble, str]:
    scores = (
        f"validation MASE of the linear forecast {with_them.score:.4g} with them, {plain.score:.4g} without"
    )
    if with_them.score < (1 - COVARIATES_GAIN) * plain.score:
        return with_them, f"used by the linear forecast and the networks ({scores})"
    return plain, f"used only by the networks ({scores})"
