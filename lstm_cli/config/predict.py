"""The settings of `lstm predict`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.validators import at_least, one_character, one_of

FORMATS = ("csv", "json", "parquet")
ENDED = ("skip", "include", "refuse")


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Settings of `lstm predict`."""

    output: str = "-"  # where the forecast goes; -: standard output
    format: str | None = None  # csv, json or parquet; None: by the output's ending, else csv
    precision: str = "auto"  # auto: the quantised model where there is a fresh one
    encoding: str | None = None  # of the new data's text
    delimiter: str | None = None  # between the new data's cells; None: as the training file
    ended: str = "skip"  # series that ended more than a horizon before the newest row of the panel
    intervals: bool = True  # write the ends of the 80 % and 95 % interval after each target
    threads: int | None = None  # CPU threads; None: all cores

    def __post_init__(self) -> None:
        one_of("--precision", self.precision, ("auto", *PRECISIONS))
        if self.format is not None:
            one_of("--format", self.format, FORMATS)
        one_of("--ended", self.ended, ENDED)
        one_character(self.delimiter)
        at_least("--threads", self.threads, 1)
