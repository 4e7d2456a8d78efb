"""What `lstm train` takes on its defaults, by rule of thumb. It loads no torch."""

from dataclasses import dataclass

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.windows import FREE_LOOKBACK_FACTOR
from lstm_cli.steps.shared.array_sizes import TrainingSizes, count_segments
from lstm_cli.steps.shared.memory_estimate import train_need
from lstm_cli.training.setup.hyperparameters import SEGMENT_PATIENCE_STEPS, make_hyperparameters

# Seconds on two cores, by trainings of benchmarks/README.md: for reading, weights and graph, for the cube of a lookback
# of the linear forecast (fitted once, or in logs too and again in the end), and for a row of a batch and a segment of
# about a season, in an optimizer step of the slower network.
FIXED = (8.0, 25.0)
PER_CUBE = (1.1e-9, 5e-9)
PER_SEGMENT = (15e-6, 30e-6)
REFIT = 1.25  # with the steps of the refit


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Memory and time of `lstm train` on its defaults: estimates."""

    memory_mb: int  # at its peak
    seconds: tuple[int, int]  # least and most, on two idle cores


def estimate_training_cost(schema: Schema, series: SeriesTable, *, windows: int) -> TrainingCost:
    """Memory as `lstm train` reckons it, time from the number of optimizer steps. windows: of the training split."""
    targets = len(schema.targets)
    plan = make_hyperparameters(TrainConfig(), windows=windows, targets=targets)
    free = int(FREE_LOOKBACK_FACTOR * schema.lookback)
    read = count_segments(schema, free) * (free + schema.horizon) / free
    fewest = min(SEGMENT_PATIENCE_STEPS + plan.steps_per_epoch, plan.epochs * plan.steps_per_epoch)
    steps = (fewest, REFIT * plan.epochs * plan.steps_per_epoch)
    batch = plan.batch_size * targets
    cubes = sum(lookback**3 for lookback in TrainingSizes.from_schema(schema, series).regressions)
    seconds = [
        round(fixed + cubes * cube + step * batch * read * each)
        for fixed, cube, step, each in zip(FIXED, PER_CUBE, steps, PER_SEGMENT, strict=True)
    ]
    need = train_need(schema, series, TrainConfig()).size
    return TrainingCost(memory_mb=round(need / 1e6), seconds=(seconds[0], seconds[1]))
