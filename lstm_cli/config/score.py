"""Settings of `lstm score`."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.config.text import TextSettings

SCORE_PANEL = "Scores"


@dataclass(frozen=True, kw_only=True)
class ScoreConfig(TextSettings):
    """Settings of `lstm score`; the text settings are about ACTUALS, and those of the run are their defaults."""

    fail_if: tuple[str, ...] = setting(
        (),
        "Condition for exit code 5: 'mase>1.1*trained.mase', 'coverage.80<70', 'alarms>0' (repeatable).",
        "'A OP B'",
        panel=SCORE_PANEL,
    )
    false_alarms: float = setting(
        1.0,
        "Expected number of false alarms in 365 nights, for the test of lost accuracy.",
        "X",
        kind="number",
        panel=SCORE_PANEL,
        above=0,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_text()
