"""Settings of `lstm prepare` and `lstm check`."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.config.text import INTEGER_TIMES, NO_TIMES, GridSettings, TextSettings
from lstm_cli.errors import UsageError
from lstm_cli.wording import is_number

COLUMN = "COLUMN"  # metavar
ALL_NUMERIC = "*"  # the word for --target: every numeric column without another role
COLUMNS_PANEL, WINDOWS_PANEL, SPLITS_PANEL, VALUES_PANEL = "Columns", "Windows", "Splits", "Values"
TASK_PANEL = "Task"


@dataclass(frozen=True, kw_only=True)
class TaskChoice:
    """Task of a run; None: that of the data."""

    task: str | None = setting(
        None,
        "Task of the run.",
        choices=("forecast", "classify", "generate"),
        default_text="classify with --label or a .ts file, generate for a .txt file without numbers, else forecast",
        panel=TASK_PANEL,
    )


@dataclass(frozen=True, kw_only=True)
class PrepareConfig(TextSettings, GridSettings):
    """Settings of `lstm prepare`."""

    target: tuple[str, ...] = setting(
        (),
        "Target (repeatable); '*': all numeric columns.",
        COLUMN,
        default_text="the only numeric column",
        panel=COLUMNS_PANEL,
    )
    past: tuple[str, ...] = setting(
        (), "Covariate known up to the forecast origin (repeatable).", COLUMN, panel=COLUMNS_PANEL
    )
    future: tuple[str, ...] = setting(
        (), "Known-ahead covariate, with values over the horizon (repeatable).", COLUMN, panel=COLUMNS_PANEL
    )
    static: tuple[str, ...] = setting(
        (),
        "Column constant within a series (repeatable).",
        COLUMN,
        panel=COLUMNS_PANEL,
    )
    calendar: bool = setting(
        False,
        "Hour, weekday, month and others, known ahead.",
        flag="--calendar/--no-calendar",
        panel=COLUMNS_PANEL,
    )
    holidays: tuple[str, ...] = setting(
        (),
        "Public holidays, such as DE or DE-BY, and the days around them, known ahead (repeatable).",
        "COUNTRY",
        panel=COLUMNS_PANEL,
    )
    time: tuple[str, ...] = setting(
        (),
        "Time column (repeatable); none: rows are steps.",
        COLUMN,
        default_text="the first column of times",
        panel=COLUMNS_PANEL,
    )
    series: tuple[str, ...] = setting(
        (),
        "Column of series names in a panel (repeatable).",
        COLUMN,
        default_text="one series",
        panel=COLUMNS_PANEL,
    )
    wide: bool = setting(
        False, "Wide file: one column for each series, or for each time.", panel=COLUMNS_PANEL
    )
    lookback: int | None = setting(  # None: derived from the data
        None,
        "Number of past steps the model sees.",
        "N|auto",
        kind="whole or auto",
        default_text="auto",
        panel=WINDOWS_PANEL,
        minimum=1,
    )
    horizon: int | None = setting(
        None,
        "Number of steps to forecast.",
        "N",
        kind="whole",
        default_text="one season, else 1",
        panel=WINDOWS_PANEL,
        minimum=1,
    )
    season: tuple[int, ...] | str = setting(
        "auto",
        "Season lengths in steps.",
        "N,N|auto|none",
        kind="seasons",
        panel=WINDOWS_PANEL,
        words=("auto", "none"),
        minimum=1,
    )
    val: str = setting(
        "0.1",
        "Size of the validation set: a fraction, a number of steps, or its first date.",
        "SIZE",
        panel=SPLITS_PANEL,
    )
    test: str = setting(
        "0.2",
        "Size of the test set, same format as --val; 0 trains on the newest rows.",
        "SIZE",
        panel=SPLITS_PANEL,
    )
    start: str | None = setting(
        None,
        "First row used: a time, or row:N (counted from 1).",
        "WHEN",
        default_text="the first row",
        panel=SPLITS_PANEL,
    )
    end: str | None = setting(
        None,
        "Last row used, same format as --start.",
        "WHEN",
        default_text="the last row",
        panel=SPLITS_PANEL,
    )
    scaler: str = setting(  # as scikit-learn defines it
        "standard",
        "Scaler, fitted on the training rows.",
        choices=("standard", "minmax", "robust", "none"),
        panel=VALUES_PANEL,
    )
    missing: str = setting(
        "interpolate",
        "Fill method for missing values and gaps.",
        choices=("interpolate", "last", "season", "refuse"),
        panel=VALUES_PANEL,
    )
    outliers: str = setting(
        "keep",
        "Outliers of targets before the test set; drop: missing values.",
        choices=("keep", "drop"),
        panel=VALUES_PANEL,
    )
    pad: bool = setting(
        False,
        "Left padding of windows shorter than --lookback.",
        flag="--pad/--no-pad",
        panel=WINDOWS_PANEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.outliers == "drop" and self.missing == "refuse":
            raise UsageError(
                "--outliers drop creates missing values, but --missing refuse does not allow them",
                hint="choose --missing interpolate, last or season",
                flag="--outliers",
            )
        if not self.season:
            raise UsageError(
                "--season is empty",
                hint="give season lengths in steps, such as --season 24,168, or --season none",
                flag="--season",
            )
        self._check_roles()
        if self.wide:
            self._check_wide()
        if self.static and not self.series:
            raise UsageError(
                "--static needs --series: without it, there is one series, and a constant column says nothing",
                hint="add --series COLUMN, or leave out --static",
                flag="--static",
            )
        if NO_TIMES in self.time and len(self.time) > 1:
            raise UsageError(
                f"--time {NO_TIMES} cannot be combined with a time column", hint="choose one", flag="--time"
            )
        self._check_times()
        self.check_text()
        self.check_grid()

    def _check_roles(self) -> None:
        """Raise UsageError for a column with two roles, or for ALL_NUMERIC next to a named target."""
        roles: dict[str, str] = {}
        flags = ("target", "past", "future", "static", "time", "series")
        for flag, name in ((f"--{field}", name) for field in flags for name in getattr(self, field)):
            if name in roles:
                twice = "twice" if roles[name] == flag else f"and to {roles[name]}"
                raise UsageError(
                    f"column '{name}' is given to {flag} {twice}", hint="name each column once", flag=flag
                )
            roles[name] = flag
        twice_named = next((code for code in self.holidays if self.holidays.count(code) > 1), None)
        if twice_named is not None:
            raise UsageError(
                f"--holidays '{twice_named}' is given twice",
                hint="name each calendar once",
                flag="--holidays",
            )
        if ALL_NUMERIC in self.target and len(self.target) > 1:
            raise UsageError(
                f"--target '{ALL_NUMERIC}' cannot be combined with a named target, because it is every numeric column",
                hint=f"leave out --target '{ALL_NUMERIC}', or the other --target",
                flag="--target",
            )

    def _check_times(self) -> None:
        """Raise UsageError for settings of times that need another number of time columns."""
        flag = self._flag_of_times() if self.time == (NO_TIMES,) else None
        if flag is not None:
            raise UsageError(
                f"{flag} needs times, so it cannot be combined with --time {NO_TIMES}",
                hint=f"leave out {flag}, or --time {NO_TIMES}",
                flag=flag.split()[0],
            )
        if self.time_format == INTEGER_TIMES and len(self.time) != 1:
            raise UsageError(
                f"--time-format {INTEGER_TIMES} needs one --time column",
                hint="name the column of whole numbers with --time",
                flag="--time-format",
            )

    def _flag_of_times(self) -> str | None:
        """Return a flag that only rows with times can have; None if there is none."""
        given = {
            "--time-format": self.time_format is not None,
            "--dayfirst" if self.dayfirst else "--monthfirst": self.dayfirst is not None,
            "--tz": self.tz is not None,
            "--freq": self.freq is not None,
            "--gaps": self.gaps is not None,
            **{
                f"{flag} {size}": not is_number(size)
                for flag, size in (("--val", self.val), ("--test", self.test))
            },
        }
        return next((flag for flag, is_given in given.items() if is_given), None)

    def _check_wide(self) -> None:
        """Raise UsageError for roles that a wide file cannot have: its only target is `value`."""
        for flag, names in (
            ("--target", self.target),
            ("--past", self.past),
            ("--future", self.future),
            ("--static", self.static),
        ):
            if names:
                raise UsageError(
                    f"{flag} cannot be used with --wide: the only target of a wide file is 'value'",
                    hint=f"leave out {flag}",
                    flag=flag,
                )
