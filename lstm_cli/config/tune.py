"""The settings of `lstm tune`."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.errors import UsageError

SEARCH = "The search"  # a panel


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Settings of `lstm tune`, beside those of `lstm train` that every trial has in common."""

    method: str = setting(
        "random",
        "How settings are proposed; bayes learns from the trials so far.",
        choices=("random", "grid", "bayes"),
        panel=SEARCH,
    )
    trials: int | None = setting(
        None,
        "So many trainings.",
        "N",
        kind="whole",
        default_text="20, or the whole grid",
        panel=SEARCH,
        least=1,
    )
    time: float | None = setting(  # seconds
        None,
        "Begin no further trial after so long: seconds, or 10m, 2h.",
        "TIME",
        kind="duration",
        default_text="no limit",
        panel=SEARCH,
        above=0,
    )
    jobs: int | None = setting(
        None,
        "Trials side by side.",
        "N",
        kind="whole",
        default_text="1, or all workers of --dask",
        panel=SEARCH,
        least=1,
    )
    space: tuple[str, ...] = setting(
        (),
        "What to search: hidden=32..256:log, dropout=0..0.5, loss=mae|huber; repeat for several.",
        "NAME=VALUES",
        default_text="by the model",
        panel=SEARCH,
    )
    dask: str | None = setting(
        None,
        "Run trials on the workers of this Dask scheduler.",
        "HOST:PORT",
        default_text="this machine",
        panel=SEARCH,
    )
    storage: str | None = setting(
        None,
        "With bayes: share proposals and results with other searches in this Optuna storage: a database, or a "
        "journal file in a folder that all machines see.",
        "URL|FILE",
        default_text="none",
        panel=SEARCH,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.storage is not None and self.method != "bayes":
            raise UsageError(
                "--storage is a setting of --method bayes", hint="add --method bayes", flag="--storage"
            )
