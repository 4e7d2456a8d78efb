"""The rules about data files and models. Their ids stand in messages, in reports and in docs/reference/data-rules.md.

An id is never used again for something else. D1 is about files, D2 columns, D3 numbers, D4 times, D5 the time grid, D6
splits and scaling, D7 the quality of the data, D8 forecasts from new data, M models.
"""

from dataclasses import dataclass

from lstm_cli.errors import UsageError
from lstm_cli.findings import ERROR, NOTE, WARNING
from lstm_cli.text import nearest_name


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a rule is about, and what it does."""

    severity: str  # error: refused; warning; note: told by `check` alone
    meaning: str


def _table(severity: str, meanings: dict[str, str]) -> dict[str, Rule]:
    return {rule: Rule(severity=severity, meaning=meaning) for rule, meaning in meanings.items()}


_ERRORS = {
    "D101": "The file is not a table of text, but for example a spreadsheet, an archive or a database.",
    "D102": "The file is a Git LFS pointer. The data were not downloaded.",
    "D103": "The file is compressed twice.",
    "D104": "The file is empty, or it has blank lines only.",
    "D105": "The file is Parquet within gzip.",
    "D106": "Standard input is closed, or it is a terminal.",
    "D107": "The path is a folder or a device, not a file.",
    "D108": "The file is not found.",
    "D109": "The file cannot be read.",
    "D110": "The gzip data are corrupt or cut short.",
    "D111": "No file matches the pattern.",
    "D112": "A column of a Parquet file has a type that is not text, number or time.",
    "D113": "The Parquet file is corrupt.",
    "D114": "The file has no rows.",
    "D115": "Two files of one data set have different columns.",
    "D116": "One file of a data set is text, and another one is Parquet.",
    "D121": "A text file has a NUL character.",
    "D122": "The text is not in its encoding.",
    "D123": "The first line is Excel's `sep=`, not a header.",
    "D124": "The delimiter is ambiguous.",
    "D126": "Each line stands in double quotes as a whole.",
    "D127": "The file has marks of a merge conflict.",
    "D128": "No column has a name.",
    "D129": "The header is missing: the first line is a row of data.",
    "D131": "A double quote is not closed, or it is closed at the wrong place.",
    "D132": "A row has more or fewer cells than the header.",
    "D135": "A file of one column has a blank line, which may be a missing value.",
    "D138": "A cell is longer than 131,072 characters.",
    "D201": "The column of `--series` holds times, and there is no other column of times.",
    "D202": "A column is not found.",
    "D205": "The target is ambiguous: several columns hold numbers.",
    "D206": "No column holds numbers.",
    "D207": "The name of a series is missing.",
    "D208": "Several columns have the same name.",
    "D209": "A column is named like a time, but its numbers do not read as times.",
    "D210": "The time is divided over several columns.",
    "D301": "A number is too small for a 64-bit float.",
    "D302": "A cell is not a number.",
    "D303": "A number is too large for a 64-bit float.",
    "D310": "A column has no number in any row.",
    "D311": "A row is a total or another statistic of the rows above it.",
    "D401": "A time has another number of digits than the times before it.",
    "D402": "The times are ambiguous: they read in two ways.",
    "D403": "A date or time does not exist.",
    "D404": "A time is outside of the years 1 to 9999.",
    "D405": "A time is missing.",
    "D406": "A cell does not read as a time.",
    "D407": "The times are written in several formats.",
    "D408": "Some dates read as day/month only, and others as month/day only.",
    "D409": "The dates are ambiguous: day/month or month/day.",
    "D501": "There is one row only, so the frequency is not known.",
    "D502": "The times are irregular: a time is off the time grid.",
    "D503": "An option needs times, or a file without times.",
    "D504": "A time is off the grid of `--freq`.",
    "D505": "The new data have another frequency than the run.",
    "D511": "No target is measured in any row.",
    "D514": "More than half of the time grid is missing.",
    "D515": "The frequency changes within a series.",
    "D523": "There are two values for one time.",
    "D531": "`--start` and `--end` leave no row.",
    "D601": "Values are missing, and `--missing refuse` allows none.",
    "D603": "A value is too large to be scaled.",
    "D604": "A value is too large for 32-bit floats with this scaler.",
    "D612": "`--val` or `--test` is a date, and the file has no times.",
    "D614": "There are too few rows for the splits, the lookback and the horizon.",
    "D616": "No rows are left between `--val` and the test rows.",
    "D621": "A split has no window.",
    "D622": "No window of a split has a measured target.",
    "D624": "A series ended, and `--ended refuse` allows none; or all series ended.",
    "D631": "A cut-off of the backtest has no window.",
    "D632": "Too few training rows come before the first cut-off of the backtest.",
    "D633": "`--log-transform on` needs positive training values.",
    "D801": "The forecast would reach beyond the year 9999.",
    "D802": "A future covariate has no value for a step of the forecast.",
    "D803": "The new times have an offset from UTC and the run's times have none, or the other way round.",
    "D804": "The model does not know a series of the new data.",
    "D805": "The new data have too few rows for a forecast.",
    "D808": "The forecast is not finite.",
    "D809": "A column of the forecast would have the name of another column.",
    "D901": "The data need more memory than there is.",
}
_WARNINGS = {
    "D117": "The columns of a file are in another order than in the first file. They are matched by name.",
    "D125": "The delimiter is not the comma. It was found in the header.",
    "D133": "The file ends without a line end, so its last row may be cut off.",
    "D134": "A quoted cell goes on in the next line.",
    "D136": "Blank lines are skipped.",
    "D137": "Rows of empty cells at the end are skipped.",
    "D203": "A column of numbers is used as the time.",
    "D204": "There is no time column, so rows are evenly spaced, in file order.",
    "D211": "The name of a series is written in two Unicode forms, so it counts as two series.",
    "D312": "Dots may separate thousands. They are read as decimal points.",
    "D313": "A number such as -999 may mean that a value is missing.",
    "D314": "A whole number has more digits than a 64-bit float keeps.",
    "D315": "The last row may be a total.",
    "D410": "Some times have no clock. They are read as midnight.",
    "D512": "Series without a measured target are left out.",
    "D513": "Rows before the first or after the last measured target are not used.",
    "D516": "Rows are missing from the time grid (a gap).",
    "D521": "Rows are out of order. They are sorted by time.",
    "D522": "There are duplicate rows. One of each is kept.",
    "D602": "Values are missing. They are filled as inputs and never used as targets.",
    "D605": "The values of a target are too close for 32-bit floats.",
    "D606": "The target is constant in the training rows.",
    "D611": "`--calendar` adds nothing at this frequency.",
    "D613": "Series that are too short for the splits are left out.",
    "D615": "The series have no common times, so each is split by its own rows.",
    "D617": "Outliers are dropped (`--outliers drop`).",
    "D623": "Some series of a panel ended before the newest row.",
    "D701": "The target is constant.",
    "D704": "Hours are missing where daylight saving begins. The times are local times without an offset.",
    "D705": "There are outliers.",
    "D706": "Data leakage: a covariate gives the target away.",
    "D707": "The target is intermittent: most of its values are 0.",
    "D806": "Series with too few rows are left out of the forecast.",
    "D807": "A value is far outside of the training values.",
    "D810": "The window is padded: there are fewer rows than the model reads.",
    "D811": "The new data differ from the run's data at the same times.",
    "M101": "The model has no prediction intervals.",
    "M102": "The model is older than the data of the run.",
    "M201": "The networks add nothing to the linear forecast.",
    "M202": "The coverage of the prediction intervals is outside of what chance allows.",
    "M203": "No epoch was better than the untrained network.",
    "M204": "The series were split at different times, as release 0.1.0 did.",
    "M205": "The scores are those of the fp32 model, and `predict` uses the quantized one.",
    "M206": "The backtest trains fp32 models, and the other scores are of the quantized one.",
    "M207": "Cut-offs of the backtest are left out.",
    "M208": "Cut-offs of the backtest use default settings instead of the winner of `tune`.",
    "M209": "A checkpoint is discarded, and training starts over.",
    "M210": "Some trials failed.",
}
_NOTES = {
    "D702": "A covariate or an unused column is constant.",
    "D703": "Some series are constant.",
    "D708": "A covariate or an unused column holds the same information as the target.",
    "D709": "A column has no value in any row.",
    "D710": "A column of numbers has cells that are not numbers.",
    "D711": "Several columns could be the target. None was named.",
}
RULES = dict(sorted((_table(ERROR, _ERRORS) | _table(WARNING, _WARNINGS) | _table(NOTE, _NOTES)).items()))


def require_ignorable(rule: str) -> None:
    """Raise UsageError for the id of a rule that does not exist, or that refuses the data."""
    if rule not in RULES:
        near = nearest_name(rule.upper(), RULES)
        raise UsageError(
            f"--ignore '{rule}' is not the id of a rule",
            hint=f"did you mean --ignore {near}?"
            if near
            else "ids are like D516, see docs/reference/data-rules.md",
            flag="--ignore",
        )
    if RULES[rule].severity == ERROR:
        raise UsageError(
            f"--ignore {rule} names an error, and errors cannot be ignored",
            hint="mend the data; only warnings and notes can be ignored",
            flag="--ignore",
        )
