"""What `lstm train` takes on its defaults, by rule of thumb. It loads no torch."""

from dataclasses import dataclass

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset import Schema
from lstm_cli.training.plan import SEGMENT_PATIENCE, plan_training

# Seconds on two cores, by trainings of benchmarks/README.md: for reading, the linear forecast, weights and graph, and
# for a row of a batch and a segment of about a season, in an optimizer step of the slower network.
FIXED = (8.0, 25.0)
PER_SEGMENT = (15e-6, 30e-6)
LONGER = 1.5  # the free network reads so many times the lookback
REFIT = 1.25  # with the steps of the refit
# Megabytes of the programs, and how often the windows of the linear forecast lie in memory at its peak: by the same.
PROGRAMS = 500
COPIES = 4.5
FITTED_ROWS = 24_000  # windows x targets that the linear forecast is fitted on at most
LINEAR_REACH = 3  # lookbacks that it reads


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Memory and time of `lstm train` on its defaults: estimates."""

    memory_mb: int  # at its peak
    seconds: tuple[int, int]  # least and most, on two idle cores


def expectation(schema: Schema, *, rows: int, windows: int) -> Expectation:
    """Memory from the sizes of arrays, time from the number of optimizer steps.

    rows: of the grid; windows: of the training split.
    """
    targets = len(schema.targets)
    plan = plan_training(TrainConfig(), windows=windows, targets=targets)
    segment = min(max(schema.season, 4), 48)
    segments = (LONGER * schema.lookback + schema.horizon) / segment
    fewest = min(SEGMENT_PATIENCE + plan.steps_per_epoch, plan.epochs * plan.steps_per_epoch)
    steps = (fewest, REFIT * plan.epochs * plan.steps_per_epoch)
    batch = plan.batch_size * targets
    seconds = [
        round(fixed + step * batch * segments * each)
        for fixed, step, each in zip(FIXED, steps, PER_SEGMENT, strict=True)
    ]
    inputs = (len(schema.columns) + len(schema.calendar)) * rows
    linear = COPIES * min(windows * targets, FITTED_ROWS) * LINEAR_REACH * schema.lookback * 8
    # The file, a copy that lies in memory, and which cells were measured.
    data = 2 * 4 * inputs + 5 * targets * rows + 3 * 16 * windows
    return Expectation(memory_mb=round(PROGRAMS + (linear + data) / 1e6), seconds=(seconds[0], seconds[1]))
