"""The settings of `lstm evaluate`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.validators import at_least, one_of
from lstm_cli.errors import UsageError

SCORED_SPLITS = ("val", "test")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Settings of `lstm evaluate`."""

    split: str = "test"  # the rows that are scored: val or test
    precision: str = "auto"  # the model that is scored; auto: the one that predict runs
    fail_if: tuple[str, ...] = ()  # conditions that end in exit 5, e.g. mase>=1
    backtest: int | None = None  # cut-offs of a rolling-origin backtest; None: none
    reuse: bool = False  # the backtest scores the model there is, instead of training anew at each cut-off
    jobs: int = 1  # cut-offs trained side by side
    threads: int | None = None  # CPU threads; None: all cores
    output: str | None = None  # folder that gets copies of the scores; None: they stay in the run alone

    def __post_init__(self) -> None:
        one_of("--split", self.split, SCORED_SPLITS)
        at_least("--backtest", self.backtest, 1)
        at_least("--jobs", self.jobs, 1)
        for flag, given in (("--reuse", self.reuse), ("--jobs", self.jobs > 1)):
            if given and self.backtest is None:
                raise UsageError(f"{flag} is a setting of --backtest", hint="add --backtest 5", flag=flag)
        one_of("--precision", self.precision, ("auto", *PRECISIONS))
        at_least("--threads", self.threads, 1)
        if self.output in ("", "-"):
            raise UsageError(
                f"--output '{self.output}' is not a folder",
                hint="name a folder, as -o scores; --json prints the report to standard output",
                flag="--output",
            )
