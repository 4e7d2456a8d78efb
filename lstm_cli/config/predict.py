"""Settings of `lstm predict`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import (
    LEDGER_PANEL,
    TEXT_TASK_PANEL,
    keep_days_setting,
    require_bounds,
    setting,
    threads_setting,
)
from lstm_cli.config.text import TextSettings
from lstm_cli.errors import UsageError

PROBABILITY_DIGITS = 12  # decimals of a probability; so the ends of the 80 % interval are exactly 0.1 and 0.9
MAX_SAMPLES = 10_000  # sample paths of a series; more change a quantile by less than its own error
FORECAST_PANEL = "Forecast"


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Slice number `number`, from 1, of `count` slices of the series."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


@dataclass(frozen=True, kw_only=True)
class PredictConfig(TextSettings):
    """Settings of `lstm predict`; the text settings are about NEW, and those of the run are their defaults."""

    horizon: int | None = setting(
        None,
        "Number of steps; after the trained horizon, forecasts are fed back as inputs.",
        "N",
        kind="whole",
        default_text="the horizon of the run",
        panel=FORECAST_PANEL,
        minimum=1,
    )
    origin: str | None = setting(
        None,
        "Forecast from an earlier row: the last time that the forecast knows, or row:N if the data have no times.",
        "TIME",
        default_text="the last row",
        panel=FORECAST_PANEL,
    )
    future_data: str | None = setting(
        None,
        "File with the known-ahead covariates after the last row, without a target; - is standard input.",
        "FILE",
        default_text="none",
        panel=FORECAST_PANEL,
    )
    only: tuple[str, ...] = setting(
        (), "Series to forecast (repeatable).", "SERIES", default_text="all", panel=FORECAST_PANEL
    )
    shard: Shard | None = setting(  # noqa: RUF009 - the default is None
        None,
        "Only slice N of M slices of the series, as CSV. All slices joined are the whole forecast.",
        "N/M",
        kind="shard",
        default_text="all",
        panel=FORECAST_PANEL,
    )
    output: str = setting(
        "-",
        "Forecast file, replaced atomically; - is standard output.",
        "FILE",
        flag="-o --output",
        panel=FORECAST_PANEL,
    )
    plot: str | None = setting(
        None,
        "Plot of the last rows and the forecast as a PNG, SVG or PDF file; - draws in the terminal.",
        "FILE",
        default_text="no plot",
        panel=FORECAST_PANEL,
    )
    format: str | None = setting(
        None,
        "Forecast format.",
        choices=("csv", "json", "parquet"),
        default_text="by file extension, else csv",
        panel=FORECAST_PANEL,
    )
    precision: str = setting(
        "auto",
        "Model precision; auto: the quantized model if it is up to date.",
        choices=("auto", *PRECISIONS),
        panel=FORECAST_PANEL,
    )
    intervals: bool = setting(
        True,
        "Prediction intervals, as columns TARGET_lo80, _hi80, _lo95, _hi95.",
        flag="--intervals/--no-intervals",
        panel=FORECAST_PANEL,
    )
    level: tuple[float, ...] = setting(
        (),
        "Level of a prediction interval in percent, such as 90: columns TARGET_lo90, _hi90 (repeatable).",
        "PERCENT",
        kind="levels",
        default_text="80 and 95",
        panel=FORECAST_PANEL,
    )
    quantiles: tuple[float, ...] = setting(
        (),
        "Quantiles between 0 and 1, such as 0.1,0.5,0.9: columns TARGET_q10, _q50, _q90.",
        "P,P",
        kind="probabilities",
        default_text="none",
        panel=FORECAST_PANEL,
    )
    samples: int | None = setting(
        None,
        "Number of sample paths instead of the forecast: one row per series, path and step, column sample. For text, "
        "number of texts.",
        "N",
        kind="whole",
        default_text="none",
        panel=FORECAST_PANEL,
        minimum=1,
    )
    seed: int | None = setting(
        None,
        "Random seed of --samples and of text; the same seed gives the same samples on the same machine.",
        "N",
        kind="whole",
        default_text="0",
        panel=FORECAST_PANEL,
        minimum=0,
    )
    ended: str = setting(
        "skip",
        "Series that end more than a horizon before the panel's newest row: skip, forecast, or exit with code 3.",
        choices=("skip", "include", "refuse"),
        panel=FORECAST_PANEL,
    )
    record: bool = setting(
        False,
        "Keep the forecast in RUN/ledger, for lstm score. It is written after the output.",
        panel=LEDGER_PANEL,
    )
    keep_days: int = keep_days_setting()
    threads: int | None = threads_setting()

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_text()
        _require_between("--level", self.level, 100, example="90")
        _require_between("--quantiles", self.quantiles, 1, example="0.1,0.5,0.9")
        if self.level and not self.intervals:
            raise UsageError(
                "--level and --no-intervals cannot be combined",
                hint="leave out --no-intervals, or use --quantiles without --level",
                flag="--level",
            )
        self._check_samples()
        if self.plot is not None and self.shard is not None:
            raise UsageError(
                "--plot and --shard cannot be combined: a shard has only a part of the series",
                hint="leave out --plot, or choose series with --only instead of --shard",
                flag="--plot",
            )

    def _check_samples(self) -> None:
        """Raise UsageError for --samples with an option of another output."""
        if self.samples is None:
            return
        if self.samples > MAX_SAMPLES:
            raise UsageError(
                f"--samples {self.samples} is out of range: it must be at most {MAX_SAMPLES}",
                hint=f"use --samples {MAX_SAMPLES} or less",
                flag="--samples",
            )
        if self.record:
            raise UsageError(
                "--samples and --record cannot be combined: lstm score scores forecasts, and no sample paths",
                hint="leave out --record, and run predict --record without --samples too",
                flag="--record",
            )
        given = {"--level": self.level, "--quantiles": self.quantiles, "--no-intervals": not self.intervals}
        flag = next((flag for flag, value in given.items() if value), None)
        if flag is not None:
            raise UsageError(
                f"--samples and {flag} cannot be combined: sample paths have no intervals and quantiles",
                hint=f"leave out {flag}, or run predict twice",
                flag="--samples",
            )


@dataclass(frozen=True, kw_only=True)
class TextSampling:
    """Settings of `lstm predict` for the text that a model writes."""

    prompt: str | None = setting(
        None,
        "Text that the model continues. NEW is a file with a longer one.",
        "TEXT",
        default_text="the start of a line",
        panel=TEXT_TASK_PANEL,
    )
    length: int = setting(
        500,
        "Number of characters after the prompt.",
        "N",
        kind="whole",
        panel=TEXT_TASK_PANEL,
        minimum=1,
    )
    temperature: float = setting(
        0.8,
        "Divisor of the logits: 1 keeps the probabilities, less is more predictable, 0 is the most probable token.",
        "X",
        kind="number",
        panel=TEXT_TASK_PANEL,
        minimum=0,
    )
    top_k: int | None = setting(
        None,
        "Choose only from the K most probable tokens.",
        "K",
        kind="whole",
        default_text="all",
        panel=TEXT_TASK_PANEL,
        minimum=1,
    )
    top_p: float | None = setting(
        None,
        "Choose only from the most probable tokens that have the probability P together.",
        "P",
        kind="number",
        default_text="all",
        panel=TEXT_TASK_PANEL,
        above=0,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.top_p is not None and self.top_p > 1:
            raise UsageError(
                f"--top-p {self.top_p:g} is too large: it must be at most 1",
                hint=f"use --top-p {self.top_p / 100:g} for {self.top_p:g} %"
                if self.top_p <= 100
                else "use a probability, such as --top-p 0.9",
                flag="--top-p",
            )


def _require_between(flag: str, values: tuple[float, ...], limit: int, *, example: str) -> None:
    """Raise UsageError for a value that is not between 0 and the limit.

    Args:
        flag: flag for the message.
        values: values to check.
        limit: 100 for percentages, 1 for probabilities.
        example: valid value for the hint.
    """
    for value in values:
        if not 0 < round(value / limit, PROBABILITY_DIGITS) < 1:
            is_percentage = limit == 1 and 1 < value < 100
            raise UsageError(
                f"{flag} {value:g} is out of range: it must be above 0 and below {limit}",
                hint=f"write {flag} {value / 100:g} for {value:g} %"
                if is_percentage
                else f"write it like {flag} {example}",
                flag=flag,
            )
