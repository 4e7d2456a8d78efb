"""Settings of `lstm evaluate`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import MAX_THREADS, require_bounds, setting, threads_setting
from lstm_cli.errors import UsageError

SCORES_PANEL, BACKTEST_PANEL = "Scores", "Backtest"


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Settings of `lstm evaluate`."""

    split: str = setting("test", "Split to score.", choices=("val", "test"), panel=SCORES_PANEL)
    precision: str = setting(
        "auto",
        "Precision of the scored model; auto: the model that predict uses.",
        choices=("auto", *PRECISIONS),
        panel=SCORES_PANEL,
    )
    fail_if: tuple[str, ...] = setting(
        (),
        "Condition for exit code 5: 'mase>=1', 'mae>naive.mae', 'coverage.80<75' (repeatable).",
        "'A OP B'",
        panel=SCORES_PANEL,
    )
    backtest: int | None = setting(
        None,
        "Rolling-origin backtest: retrain at K cut-offs and score the rows after each.",
        "K",
        kind="whole",
        default_text="none",
        panel=BACKTEST_PANEL,
        minimum=1,
    )
    reuse: bool = setting(False, "Backtest of the current model, without retraining.", panel=BACKTEST_PANEL)
    jobs: int = setting(
        1,
        "Number of backtest cut-offs in parallel.",
        "N",
        kind="whole",
        panel=BACKTEST_PANEL,
        minimum=1,
        below=MAX_THREADS + 1,
    )
    threads: int | None = threads_setting()
    forecasts: str | None = setting(
        None,
        "Table of the forecasts, truths, intervals and seasonal naive of all windows, as .csv or .parquet.",
        "FILE",
        default_text="none",
    )
    stride: int | None = setting(
        None,
        "Only every N-th window of each series in --forecasts.",
        "N",
        kind="whole",
        default_text="all windows",
        minimum=1,
    )
    output: str | None = setting(
        None,
        "Folder for a copy of scores.json, the tables and the plot.",
        "DIR",
        flag="-o --output",
        default_text="RUN only",
    )
    plot: str | None = setting(
        None,
        "Copy of the plot of forecasts as a PNG, SVG or PDF file; - draws in the terminal.",
        "FILE",
        default_text="RUN only",
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        for flag, given in (("--reuse", self.reuse), ("--jobs", self.jobs > 1)):
            if given and self.backtest is None:
                raise UsageError(f"{flag} needs --backtest", hint="add --backtest 5", flag=flag)
        if self.stride is not None and self.forecasts is None:
            raise UsageError(
                "--stride needs --forecasts, whose windows it thins out",
                hint="add --forecasts forecasts.csv",
                flag="--stride",
            )
        if self.forecasts in ("", "-"):
            raise UsageError(
                f"--forecasts '{self.forecasts}' is not a file",
                hint="name a file, such as --forecasts forecasts.csv",
                flag="--forecasts",
            )
        if self.output in ("", "-"):
            raise UsageError(
                f"--output '{self.output}' is not a folder",
                hint="name a folder, such as -o scores; to print the report, use --json",
                flag="--output",
            )
