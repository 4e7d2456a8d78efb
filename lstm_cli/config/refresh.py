"""Settings of `lstm refresh`."""

from dataclasses import dataclass

from lstm_cli.config.setting import keep_days_setting, require_bounds, setting
from lstm_cli.config.text import TextSettings

DATA_PANEL, DECISION_PANEL = "New rows", "When to train"
COMPARISON_PANEL, FORECAST_PANEL = "Comparison", "Forecast"
HORIZONS = 30  # new rows that lead to a training, in horizons


@dataclass(frozen=True, kw_only=True)
class RefreshConfig(TextSettings):
    """Settings of `lstm refresh`; the text settings are about DATA, and those of the run are their defaults."""

    output: str | None = setting(
        None,
        "Forecast file, replaced atomically.",
        "FILE",
        flag="-o --output",
        default_text="the forecast is only recorded",
        panel=FORECAST_PANEL,
    )
    keep_days: int = keep_days_setting()
    accept_changes: bool = setting(
        False,
        "Accept a file that changes most known values, or that begins after a long gap.",
        panel=DATA_PANEL,
    )
    always: bool = setting(False, "Train a challenger each time.", panel=DECISION_PANEL)
    new_rows: int | None = setting(
        None,
        "Train after this many new rows.",
        "N",
        kind="whole",
        default_text=f"{HORIZONS} horizons",
        panel=DECISION_PANEL,
        minimum=1,
    )
    max_age: float = setting(
        30.0,
        "Train if the last training is this many days ago, and there are new rows.",
        "DAYS",
        kind="number",
        panel=DECISION_PANEL,
        above=0,
    )
    margin: float = setting(
        0.01,
        "Smallest relative improvement that replaces the model.",
        "N%|X",
        kind="share",
        default_text="1%",
        panel=COMPARISON_PANEL,
        minimum=0,
    )
    from_scratch: bool = setting(False, "Train the challenger from random weights.", panel=COMPARISON_PANEL)
    budget: float | None = setting(
        None,
        "Longest time for the trainings of one night, such as 90, 10m or 2h; then the model stays.",
        "TIME",
        kind="duration",
        default_text="no limit",
        panel=COMPARISON_PANEL,
        above=0,
    )
    fail_if: tuple[str, ...] = setting(
        (),
        "Condition on the held-out rows, such as 'mase>=1'; exit code 5 if it is true for both models (repeatable).",
        "'A OP B'",
        panel=COMPARISON_PANEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_text()
