"""Settings of `lstm predict`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import require_bounds, setting, threads_setting
from lstm_cli.config.text import TextSettings

FORECAST_PANEL = "Forecast"


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
    output: str = setting(
        "-",
        "Forecast file, replaced atomically; - is standard output.",
        "FILE",
        flag="-o --output",
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
        "80 % and 95 % prediction intervals, as columns TARGET_lo80, _hi80, _lo95, _hi95.",
        flag="--intervals/--no-intervals",
        panel=FORECAST_PANEL,
    )
    ended: str = setting(
        "skip",
        "Series that end more than a horizon before the panel's newest row: skip, forecast, or exit with code 3.",
        choices=("skip", "include", "refuse"),
        panel=FORECAST_PANEL,
    )
    threads: int | None = threads_setting()

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_text()
