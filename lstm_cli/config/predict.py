"""The settings of `lstm predict`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import TEXT, encoding_setting, require_bounds, setting, threads_setting
from lstm_cli.config.validators import require_one_character

FORECAST = "The forecast"  # a panel


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Settings of `lstm predict`."""

    output: str = setting(
        "-",
        "Where the forecast goes, replaced as a whole; -: standard output.",
        "FILE",
        flag="-o --output",
        panel=FORECAST,
    )
    format: str | None = setting(
        None,
        "How the forecast is written.",
        choices=("csv", "json", "parquet"),
        default_text="by the file's ending, else csv",
        panel=FORECAST,
    )
    precision: str = setting(
        "auto",
        "The model that forecasts; auto: the quantised one where it is fresh.",
        choices=("auto", *PRECISIONS),
        panel=FORECAST,
    )
    intervals: bool = setting(
        True,
        "Write the ends of the 80 % and 95 % intervals after each target: TARGET_lo80, _hi80, _lo95, _hi95.",
        flag="--intervals/--no-intervals",
        panel=FORECAST,
    )
    ended: str = setting(
        "skip",
        "Series of a panel that end more than a horizon before its newest row: leave out, forecast, or exit 3.",
        choices=("skip", "include", "refuse"),
        panel=FORECAST,
    )
    encoding: str | None = encoding_setting()
    delimiter: str | None = setting(
        None,
        "The character between cells of NEW.",
        "CHAR",
        default_text="as the run's file has it",
        panel=TEXT,
    )
    threads: int | None = threads_setting()

    def __post_init__(self) -> None:
        require_bounds(self)
        require_one_character(self.delimiter)
