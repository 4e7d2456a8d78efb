"""The settings of `lstm tune`."""

from dataclasses import dataclass

from lstm_cli.config.validators import at_least, one_of
from lstm_cli.errors import UsageError

METHODS = ("random", "grid", "bayes")


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Settings of `lstm tune`, beside those of `lstm train` that every trial has in common."""

    method: str = "random"  # how settings are proposed: random, grid or bayes
    trials: int | None = None  # trainings at most; None: 20, or the whole grid
    time: float | None = None  # seconds after which no further trial begins; None: no limit
    jobs: int | None = None  # trials side by side; None: 1, or all workers of `dask`
    space: tuple[str, ...] = ()  # NAME=A..B[:log] or NAME=A|B each; empty: the model's own
    dask: str | None = None  # address of a Dask scheduler whose workers run the trials
    storage: str | None = (
        None  # Optuna storage that several searches share: an address, or the path of a journal file
    )

    def __post_init__(self) -> None:
        one_of("--method", self.method, METHODS)
        at_least("--trials", self.trials, 1)
        at_least("--jobs", self.jobs, 1)
        if self.time is not None and not self.time > 0:
            raise UsageError(f"--time {self.time:g} is not above 0", flag="--time")
        if self.storage is not None and self.method != "bayes":
            raise UsageError(
                "--storage is a setting of --method bayes", hint="add --method bayes", flag="--storage"
            )
