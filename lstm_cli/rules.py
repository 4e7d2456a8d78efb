"""Rules about data files and models. Messages, reports and docs/reference/data-rules.md show their ids.

An id is never reused for another rule. D1 is about files, D2 columns, D3 numbers, D4 times, D5 the time grid, D6
splits and scaling, D7 the quality of the data, D8 forecasts from new data, M models.
"""

from dataclasses import dataclass

from lstm_cli.errors import UsageError
from lstm_cli.findings import ERROR, NOTE, WARNING
from lstm_cli.text import nearest_name


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Severity and meaning of a rule."""

    severity: str  # error: the data are refused; warning; note: printed by `check` only
    meaning: str


def _make_rules(severity: str, meanings: dict[str, str]) -> dict[str, Rule]:
    return {rule: Rule(severity=severity, meaning=meaning) for rule, meaning in meanings.items()}


_ERRORS = {
    "D101": "The file is not a text table. It is a spreadsheet or a database, for example.",
    "D102": "The file is a Git LFS pointer. The data are not downloaded.",
    "D103": "The file is compressed twice.",
    "D104": "The file is empty, or all its lines are blank.",
    "D105": "The file is a compressed Parquet file.",
    "D106": "Standard input is closed or is a terminal.",
    "D107": "The path is a folder without subfolders such as `shop=Aachen`, or a device, not a file.",
    "D108": "The file is not found.",
    "D109": "The file cannot be read.",
    "D110": "The compressed data are corrupt or truncated.",
    "D111": "No file matches the pattern.",
    "D112": "A column of a Parquet file has an unsupported type (not text, number or time).",
    "D113": "The Parquet file is corrupt.",
    "D114": "The file has no rows.",
    "D115": "Two files of a data set have different columns.",
    "D116": "A data set mixes text files and Parquet files.",
    "D121": "A text file contains a NUL character.",
    "D122": "The text is not valid in the encoding.",
    "D124": "The delimiter is ambiguous.",
    "D126": "Each line is enclosed in double quotes as a whole.",
    "D127": "The file has conflict markers of a Git merge.",
    "D128": "No column has a name.",
    "D129": "The header is missing. The first line is a row of data.",
    "D131": "A double quote is not closed, or is closed at the wrong place.",
    "D132": "A row has more or fewer cells than the header.",
    "D135": "A file with one column has a blank line, which may be a missing value.",
    "D138": "A cell is longer than 131,072 characters.",
    "D140": "`--skip-rows` skips all lines of the file.",
    "D141": "A row has more or fewer cells than `--names` has names.",
    "D142": "The first row is a header, but `--no-header` or `--names` says that there is no header.",
    "D150": "A ZIP archive has several files, or none.",
    "D151": "A ZIP archive is encrypted, or has an unusual compression.",
    "D152": "A file of a hive folder is not in a subfolder such as `shop=Aachen`.",
    "D201": "The `--series` column holds times, and no other column holds times.",
    "D202": "A column is not found.",
    "D205": "The target is ambiguous. Several columns hold numbers.",
    "D206": "No column holds numbers.",
    "D207": "The name of a series is missing.",
    "D208": "Several columns have the same name.",
    "D209": "A column is named like a time column, but its numbers are not valid times.",
    "D210": "The time is split over several columns.",
    "D213": "The columns of `--time` cannot be joined as one time.",
    "D222": "The header has times, so the file is wide. Each row is a series.",
    "D243": "A `--static` column changes within a series.",
    "D301": "A number is too small for a 64-bit float.",
    "D302": "A cell is not a number.",
    "D303": "A number is too large for a 64-bit float.",
    "D310": "A column has no numbers.",
    "D311": "A row is a total or another statistic of the rows above.",
    "D317": "A target column holds text, not numbers.",
    "D318": "The numbers of a column have different units.",
    "D321": "New numbers can be read with the marks of the run and as plain decimals, and no range tells which.",
    "D401": "A time has a different number of digits than the times before it.",
    "D402": "The times are ambiguous. Two formats match them.",
    "D403": "A date or time does not exist.",
    "D404": "A time is outside the years 1 to 9999.",
    "D405": "A time is missing.",
    "D406": "A cell is not a valid time.",
    "D407": "The times have different formats.",
    "D408": "Some dates are only valid as day/month, and others only as month/day.",
    "D409": "The dates are ambiguous (day/month or month/day).",
    "D412": "A time does not match `--time-format`.",
    "D413": "A date contradicts `--dayfirst` or `--monthfirst`.",
    "D414": "No column has times in the format of `--time-format`.",
    "D501": "The file has only one row, so the frequency is unknown.",
    "D502": "The times are irregular. A time is not on the time grid.",
    "D503": "An option needs a time column, or needs a file without one.",
    "D504": "A time is not on the time grid of `--freq`.",
    "D505": "The new data have a different frequency than the run.",
    "D511": "All target values are missing.",
    "D514": "More than half of the time grid is missing.",
    "D515": "The frequency changes within a series.",
    "D523": "A timestamp is a duplicate with a different value.",
    "D531": "No rows are left between `--start` and `--end`.",
    "D538": "No bucket of `--resample` is complete.",
    "D560": "The times carry an offset from UTC, so `--tz` does not apply.",
    "D561": "A local time does not exist in the time zone of `--tz`, because the clock goes forward.",
    "D562": "A local time occurs more often than the time zone of `--tz` allows.",
    "D601": "Values are missing, and `--missing refuse` does not allow missing values.",
    "D603": "A value is too large to be scaled.",
    "D604": "A value is too large for 32-bit floats with this scaler.",
    "D612": "`--val` or `--test` is a date, but the file has no times.",
    "D614": "There are too few rows for the splits, the lookback and the horizon.",
    "D616": "No rows are left between `--val` and the test rows.",
    "D621": "A split has no windows.",
    "D622": "All windows of a split lack a measured target.",
    "D624": "A series has ended and `--ended refuse` is set, or all series have ended.",
    "D631": "A cut-off of the backtest has no windows.",
    "D632": "There are too few training rows before the first cut-off of the backtest.",
    "D633": "`--log-transform on` needs positive training values.",
    "D801": "The forecast would reach beyond the year 9999.",
    "D802": "A future covariate has no value for a step of the forecast.",
    "D803": "The new times have UTC offsets and the times of the run have none, or vice versa.",
    "D805": "The new data have too few rows for a forecast.",
    "D808": "The forecast is not finite.",
    "D809": "Two columns of the forecast would have the same name.",
    "D812": "A time of `--future-data` is not on the time grid of the targets.",
    "D813": "A series of `--only` is not found.",
    "D901": "Out of memory: the data need more memory than is available.",
}
_WARNINGS = {
    "D117": "The columns of a file are in a different order than in the first file. They are matched by name.",
    "D125": "The delimiter is not a comma. It was detected from the header.",
    "D133": "The file does not end with a line break, and its last row is short, so it may be truncated.",
    "D134": "A quoted cell spans several lines.",
    "D136": "Blank lines are skipped.",
    "D137": "Rows of empty cells at the end are skipped.",
    "D143": "`--skip-rows` skips lines that look like rows of data.",
    "D203": "A numeric column is used as the time.",
    "D204": "No time column was found. Rows are treated as evenly spaced, in file order.",
    "D211": "A series name has two Unicode forms, so it is read as two series.",
    "D212": "Several columns are joined as the time.",
    "D220": "A series has a missing value in one of its series columns.",
    "D221": "Columns without a value in the first rows are left out of `--target '*'`.",
    "D223": "The only column of text names the series of a wide file.",
    "D224": "The series of a wide file have no names. They are numbered.",
    "D225": "Columns of a wide file are ignored.",
    "D240": "A text column has too many categories. The most frequent ones are used, the others count as 'other'.",
    "D241": "A cell of a column of categories is missing. It counts as 'other'.",
    "D242": "New data have a category that no training row has. It counts as 'other'.",
    "D244": "A `--static` column has no value for a series.",
    "D245": "A covariate has digits and words. It is read as categories.",
    "D312": "Dots may be thousands separators. They are read as decimal points.",
    "D313": "A value far from all others, such as -200 or -999, may be a code for a missing value.",
    "D314": "An integer has more digits than a 64-bit float can hold.",
    "D315": "The last row may be a total.",
    "D316": "Commas separate thousands, as numbers with a comma and a decimal point show.",
    "D320": "No cell has a code of `--na-value`.",
    "D319": "New numbers were read as plain decimals, because those of the run's marks are outside of their range.",
    "D410": "Some times have no time of day. They are read as midnight.",
    "D411": "Large whole numbers count steps, because they do not read as dates.",
    "D512": "Series without any target value are left out.",
    "D513": "Rows before the first or after the last target value are not used.",
    "D516": "Rows are missing from the time grid (a gap).",
    "D521": "Rows are out of order. They are sorted by time.",
    "D522": "There are duplicate rows. One row of each is kept.",
    "D532": "Several rows have one timestamp and different values. `--duplicates` combines them.",
    "D533": "Irregular rows are aggregated to a time grid by `--resample`.",
    "D534": "The last bucket of `--resample` is incomplete. It is left out.",
    "D535": "Rows off the time grid hold no value. They are skipped.",
    "D536": "More than half of the time grid of `--freq` is missing.",
    "D537": "Several rows have one timestamp. `--resample` aggregates them.",
    "D550": "Rows are missing at times where rows usually are (`--gaps skip`). They are not filled.",
    "D551": "The rows cover less than three weeks, so their weekly pattern is a guess (`--gaps skip`).",
    "D552": "The rows have no weekly pattern, so the forecast continues at the usual step (`--gaps skip`).",
    "D563": "A local time of the repeated hour occurs once (`--tz`). It is read as the first of both hours.",
    "D602": "Values are missing. They are filled as inputs and never used as targets.",
    "D605": "The values of a target are too close together for 32-bit floats.",
    "D606": "The target is constant in the training rows.",
    "D611": "`--calendar` adds nothing at this frequency.",
    "D613": "Some series are too short for the splits. They are not trained on, and `predict` gives them the baseline.",
    "D615": "The series have no times in common, so each series is split by its own rows.",
    "D617": "Outliers are dropped (`--outliers drop`).",
    "D623": "Some series of a panel end before the newest row.",
    "D640": "No training row has a category. It counts as 'other'.",
    "D641": "A `--static` column is equal in all series.",
    "D643": "The targets do not change at the holidays of a country.",
    "D642": "`--holidays` adds nothing to these data.",
    "D701": "The target is constant.",
    "D704": "Hours are missing where daylight saving time begins. The times are local times without a UTC offset.",
    "D705": "The data have outliers.",
    "D706": "Data leakage: a covariate reveals the target.",
    "D707": "The target is intermittent (most of its values are 0).",
    "D712": "Daily data have a yearly season that neither the lookback nor a calendar feature shows.",
    "D804": "The model was not trained on some series. They are forecast with their own scaling.",
    "D806": "Some series are too short for the model. They are forecast with the baseline, without intervals.",
    "D807": "A value is far outside the range of the training values.",
    "D810": "The window is padded, because there are fewer rows than the lookback.",
    "D811": "The new data differ from the data of the run at the same times.",
    "M101": "The model has no prediction intervals.",
    "M102": "The model is older than the data of the run.",
    "M103": "The forecast has steps beyond the trained horizon, so forecasts are fed back as inputs.",
    "M104": "The errors beyond the trained horizon were not measured, so the intervals widen by a rule.",
    "M105": "The model reads future covariates after the last step of the forecast, and they are missing.",
    "M201": "The networks do not improve the linear forecast.",
    "M202": "The coverage of the prediction intervals is off by more than random variation.",
    "M203": "No epoch improved on the untrained network.",
    "M204": "The series were split at different times, as release 0.1.0 did.",
    "M205": "The scores are of the fp32 model, but `predict` uses the quantized model.",
    "M206": "The backtest uses fp32 models, but the other scores are of the quantized model.",
    "M207": "Some cut-offs of the backtest are left out.",
    "M208": "Some cut-offs of the backtest use default settings instead of the `tune` winner.",
    "M209": "The checkpoint is discarded and training starts over.",
    "M210": "Some trials failed.",
}
_NOTES = {
    "D123": "The first line is Excel's `sep=`, which names the delimiter.",
    "D144": "The file does not end with a line break. Its last row looks complete.",
    "D702": "A covariate or an unused column is constant.",
    "D703": "Some series are constant.",
    "D708": "A covariate or an unused column contains the same information as the target.",
    "D709": "All values of a column are missing.",
    "D710": "A numeric column has cells that are not numbers.",
    "D711": "Several columns could be the target, and `--target` is not set.",
}
RULES = dict(
    sorted(
        (_make_rules(ERROR, _ERRORS) | _make_rules(WARNING, _WARNINGS) | _make_rules(NOTE, _NOTES)).items()
    )
)


def require_ignorable(rule: str) -> None:
    """Raise UsageError if the id is not of a rule, or if the rule is an error."""
    if rule not in RULES:
        near = nearest_name(rule.upper(), RULES)
        raise UsageError(
            f"--ignore '{rule}' is not a rule id",
            hint=f"did you mean --ignore {near}?"
            if near
            else "rule ids look like D516; warnings print theirs in brackets",
            flag="--ignore",
        )
    if RULES[rule].severity == ERROR:
        raise UsageError(
            f"--ignore {rule} is an error, and errors cannot be ignored",
            hint="correct the data; --ignore takes warnings and notes only",
            flag="--ignore",
        )
