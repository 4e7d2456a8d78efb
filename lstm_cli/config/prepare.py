"""The settings of `lstm prepare`, and of `lstm check`, which looks as it does."""

from dataclasses import dataclass

from lstm_cli.config.setting import TEXT, encoding_setting, require_bounds, setting
from lstm_cli.config.validators import require_one_character
from lstm_cli.errors import UsageError

NAMES = "COLUMN"
COLUMNS, WINDOWS, SPLITS, VALUES = "Columns", "Steps and windows", "Splits", "Values"  # panels


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """Settings of `lstm prepare`."""

    target: tuple[str, ...] = setting(
        (),
        "Column to forecast; repeat for several.",
        NAMES,
        default_text="the only numeric column",
        panel=COLUMNS,
    )
    past: tuple[str, ...] = setting(
        (), "Covariate known up to the forecast's origin; repeat for several.", NAMES, panel=COLUMNS
    )
    future: tuple[str, ...] = setting(
        (), "Covariate known ahead, over the horizon too; repeat for several.", NAMES, panel=COLUMNS
    )
    calendar: bool = setting(
        False,
        "Add hour, weekday, month and the like, which are known ahead.",
        flag="--calendar/--no-calendar",
        panel=COLUMNS,
    )
    time: str | None = setting(
        None, "The time column.", NAMES, default_text="the first that reads as times", panel=COLUMNS
    )
    series: str | None = setting(
        None,
        "The column that names the series of a panel.",
        NAMES,
        default_text="one series",
        panel=COLUMNS,
    )
    freq: str | None = setting(
        None,
        "The time step: 15min, h, D, B, W, MS, ME, QS and so on.",
        "STEP",
        default_text="found",
        panel=WINDOWS,
    )
    lookback: int | None = setting(  # None: by a rule of the data
        None,
        "Steps that a window looks back.",
        "N|auto",
        kind="whole or auto",
        default_text="auto",
        panel=WINDOWS,
        least=1,
    )
    horizon: int | None = setting(
        None,
        "Steps to forecast.",
        "N",
        kind="whole",
        default_text="one season, else 1",
        panel=WINDOWS,
        least=1,
    )
    season: tuple[int, ...] | str = setting(
        "auto",
        "Steps in a season, or in several.",
        "N,N|auto|none",
        kind="seasons",
        panel=WINDOWS,
        words=("auto", "none"),
        least=1,
    )
    val: str = setting(
        "0.1", "Validation rows: a fraction, a number of steps, or the first date.", "SIZE", panel=SPLITS
    )
    test: str = setting(
        "0.2", "Test rows, likewise; 0 for a model that learns the newest rows.", "SIZE", panel=SPLITS
    )
    start: str | None = setting(
        None,
        "First row used: a time, or row:N counted from 1.",
        "WHEN",
        default_text="the first",
        panel=SPLITS,
    )
    end: str | None = setting(None, "Last row used, likewise.", "WHEN", default_text="the last", panel=SPLITS)
    scaler: str = setting(  # as scikit-learn defines it
        "standard",
        "How values are scaled, by the training rows.",
        choices=("standard", "minmax", "robust", "none"),
        panel=VALUES,
    )
    missing: str = setting(
        "interpolate",
        "How missing cells and holes are filled.",
        choices=("interpolate", "last", "season", "refuse"),
        panel=VALUES,
    )
    outliers: str = setting(
        "keep",
        "Whether outliers of the targets, outside of the test rows, become missing values.",
        choices=("keep", "drop"),
        panel=VALUES,
    )
    pad: bool = setting(
        False,
        "Pad windows shorter than --lookback at the front.",
        flag="--pad/--no-pad",
        panel=WINDOWS,
    )
    encoding: str | None = encoding_setting()
    delimiter: str | None = setting(
        None, "The character between cells.", "CHAR", default_text="the comma", panel=TEXT
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.outliers == "drop" and self.missing == "refuse":
            raise UsageError(
                "--outliers drop makes missing values, and --missing refuse allows none",
                hint="choose --missing interpolate, last or season",
                flag="--outliers",
            )
        if not self.season:
            raise UsageError(
                "--season names none",
                hint="give numbers of steps, as --season 24,168, or none",
                flag="--season",
            )
        roles: dict[str, str] = {}
        for flag, names in (("--target", self.target), ("--past", self.past), ("--future", self.future)):
            for name in names:
                if name in roles:
                    raise UsageError(
                        f"column '{name}' is named by {roles[name]} and by {flag}",
                        hint="name each column once",
                    )
                roles[name] = flag
        for flag, named in (("--time", self.time), ("--series", self.series)):
            if named is not None and named in roles:
                raise UsageError(
                    f"column '{named}' is named by {roles[named]} and by {flag}", hint="name each column once"
                )
        if self.time is not None and self.time == self.series:
            raise UsageError(f"column '{self.time}' is named by --time and by --series")
        require_one_character(self.delimiter)
