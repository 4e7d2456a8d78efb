"""Estimate of the memory and time of `lstm train` with its defaults. It does not load torch."""

from dataclasses import dataclass

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.windows import FREE_LOOKBACK_FACTOR
from lstm_cli.steps.shared.array_sizes import TrainingSizes, count_segments
from lstm_cli.steps.shared.memory_estimate import train_need
from lstm_cli.training.setup.hyperparameters import SEGMENT_PATIENCE_STEPS, make_hyperparameters

# Lower and upper estimates in seconds on two cores, from the trainings of benchmarks/README.md. FIXED covers reading,
# weights and graph. PER_CUBE counts the cube of a lookback of the linear forecast: fitted once, or also in log space
# and again at the end. PER_SEGMENT counts a batch row and a segment of about one season, in an optimizer step of the
# slower network.
FIXED = (8.0, 25.0)
PER_CUBE = (0.2e-9, 1e-9)
PER_SEGMENT = (15e-6, 30e-6)
REFIT = 1.25  # with the steps of the refit


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Estimated memory and time of `lstm train` with its defaults."""

    memory_mb: int  # peak
    seconds: tuple[int, int]  # minimum and maximum, on two idle cores


def estimate_training_cost(schema: Schema, series: SeriesTable, *, windows: int) -> TrainingCost:
    """Return memory as `lstm train` estimates it, and time by the number of optimizer steps.

    Args:
        schema: columns, lookback and horizon.
        series: lengths and splits of the series.
        windows: number of windows of the training split.
    """
    targets = len(schema.targets)
    plan = make_hyperparameters(TrainConfig(), windows=windows, targets=targets)
    free = int(FREE_LOOKBACK_FACTOR * schema.lookback)
    read = count_segments(schema, free) * (free + schema.horizon) / free
    fewest = min(SEGMENT_PATIENCE_STEPS + plan.steps_per_epoch, plan.epochs * plan.steps_per_epoch)
    steps = (fewest, REFIT * plan.epochs * plan.steps_per_epoch)
    batch = plan.batch_size * targets
    cubes = sum(lookback**3 for lookback in TrainingSizes.from_schema(schema, series).regressions)
    seconds = [
        round(fixed + cubes * cube + step * batch * read * factor)
        for fixed, cube, step, factor in zip(FIXED, PER_CUBE, steps, PER_SEGMENT, strict=True)
    ]
    need = train_need(schema, series, TrainConfig()).size
    return TrainingCost(memory_mb=round(need / 1e6), seconds=(seconds[0], seconds[1]))
