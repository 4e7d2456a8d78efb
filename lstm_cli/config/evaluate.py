"""The settings of `lstm evaluate`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import require_bounds, setting, threads_setting
from lstm_cli.errors import UsageError

SCORES, BACKTEST = "Scores", "Backtest"  # panels


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Settings of `lstm evaluate`."""

    split: str = setting("test", "The rows that are scored.", choices=("val", "test"), panel=SCORES)
    precision: str = setting(
        "auto",
        "The model that is scored; auto: the one that predict runs.",
        choices=("auto", *PRECISIONS),
        panel=SCORES,
    )
    fail_if: tuple[str, ...] = setting(
        (),
        "Exit with 5 where this holds: 'mase>=1', 'mae>naive.mae', 'coverage.80<75'; repeat for several.",
        "'A OP B'",
        panel=SCORES,
    )
    backtest: int | None = setting(
        None,
        "Also train anew at so many cut-offs and score what follows each: was it luck?",
        "K",
        kind="whole",
        default_text="none",
        panel=BACKTEST,
        least=1,
    )
    reuse: bool = setting(False, "The backtest scores the model there is, trained once.", panel=BACKTEST)
    jobs: int = setting(
        1, "Cut-offs of the backtest side by side.", "N", kind="whole", panel=BACKTEST, least=1
    )
    threads: int | None = threads_setting()
    output: str | None = setting(
        None,
        "Also copy scores.json, the tables and the picture into this folder, at every run.",
        "DIR",
        flag="-o --output",
        default_text="into RUN only",
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        for flag, given in (("--reuse", self.reuse), ("--jobs", self.jobs > 1)):
            if given and self.backtest is None:
                raise UsageError(f"{flag} is a setting of --backtest", hint="add --backtest 5", flag=flag)
        if self.output in ("", "-"):
            raise UsageError(
                f"--output '{self.output}' is not a folder",
                hint="name a folder, as -o scores; --json prints the report to standard output",
                flag="--output",
            )
