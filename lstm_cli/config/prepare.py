"""The settings of `lstm prepare`, and of `lstm check`, which looks as it does."""

from dataclasses import dataclass

from lstm_cli.config.validators import at_least, one_character, one_of
from lstm_cli.errors import UsageError

SCALERS = ("standard", "minmax", "robust", "none")
MISSING = ("interpolate", "last", "season", "refuse")
OUTLIERS = ("keep", "drop")


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """Settings of `lstm prepare`."""

    target: tuple[str, ...] = ()  # columns to forecast; empty: the only numeric one
    past: tuple[str, ...] = ()  # covariates known up to the forecast's origin
    future: tuple[str, ...] = ()  # covariates known ahead, over the horizon too
    calendar: bool = False  # hour, weekday, month and the like as known-ahead inputs
    time: str | None = None  # the time column; None: the first that reads as times
    series: str | None = None  # the column that names the series of a panel
    freq: str | None = None  # the time step, e.g. 1h, 15min, D, B, W, MS, ME, QS; None: found
    lookback: int | None = None  # steps that a window looks back; None: `auto`, a rule of the data
    horizon: int | None = None  # steps to forecast; None: one season, else 1
    season: tuple[int, ...] | str = "auto"  # steps in a season, one number or several; or `auto`, `none`
    val: str = "0.1"  # validation rows: a fraction, a number of steps, or the first date
    test: str = "0.2"  # test rows, likewise
    start: str | None = None  # first row used: a time, or row:N counted from 1
    end: str | None = None  # last row used (included)
    scaler: str = "standard"  # as scikit-learn defines it, fitted on the training rows
    missing: str = "interpolate"  # how missing cells and holes are filled
    outliers: str = "keep"  # drop: target cells that are outliers become missing, but in test rows
    pad: bool = False  # pad windows shorter than an explicit lookback at the front
    encoding: str | None = None  # of the text; None: UTF-8, or UTF-16 with its mark
    delimiter: str | None = None  # between cells; None: the comma

    def __post_init__(self) -> None:
        one_of("--scaler", self.scaler, SCALERS)
        one_of("--missing", self.missing, MISSING)
        one_of("--outliers", self.outliers, OUTLIERS)
        if self.outliers == "drop" and self.missing == "refuse":
            raise UsageError(
                "--outliers drop makes missing values, and --missing refuse allows none",
                hint="choose --missing interpolate, last or season",
                flag="--outliers",
            )
        at_least("--lookback", self.lookback, 1)
        at_least("--horizon", self.horizon, 1)
        if isinstance(self.season, str):
            one_of("--season", self.season, ("auto", "none"))
        elif not self.season:
            raise UsageError(
                "--season names none",
                hint="give numbers of steps, as --season 24,168, or none",
                flag="--season",
            )
        else:
            at_least("--season", min(self.season), 1)
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
        one_character(self.delimiter)
