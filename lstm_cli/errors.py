"""Tree of all expected errors. The class decides the exit code.

    LstmError
    ├── UsageError            2   wrong usage or settings, independent of the data
    ├── DataError             3   invalid data: unreadable, or unable to satisfy an option
    ├── ArtifactError         4   an artifact or output cannot be read or written
    │   ├── MissingArtifact       not made yet
    │   ├── StaleArtifact         out of date: its sources changed after it was made
    │   ├── CorruptArtifact       checksum mismatch, or corrupt content
    │   ├── ForeignFolder         not a run directory of lstm
    │   └── OutputError           a file cannot be read or written (EIO, ENOSPC, EROFS, EACCES)
    ├── QualityError          5   the result is not good enough
    │   ├── GateFailed            a `--fail-if` condition is true
    │   ├── QuantizationLoss      the quantized model is too inaccurate
    │   └── TrainingDiverged      a loss, gradient or weight is not finite
    ├── LockedError           6   another process is writing the run
    ├── DeviceError           7   the device is not available, memory is too small, or a process is lost
    └── Interrupted       128+n   stopped by signal n

An error has a message, which names the location, and a hint, which names a command or flag that helps.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_cli.findings import Location


class LstmError(Exception):
    """Base class of expected errors.

    Attributes:
        message: What is wrong, and where.
        hint: What to do about it; "" if there is no advice.
        flag: The option that is wrong.
        rule: Id of the rule that the data break, see rules.py.
        report: Report that the command prints despite the error; set by the step that raises.
    """

    exit_code = 1
    report: object | None = None

    rule: str | None = None

    def __init__(self, message: str, *, hint: str = "", flag: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.flag = flag


class UsageError(LstmError):
    """Wrong usage or settings, independent of the data."""

    exit_code = 2


class DataError(LstmError):
    """Invalid data: unreadable with the given options, or unable to satisfy an option.

    Args:
        message: What is wrong; the location is put in front of it.
        hint: What to do about it.
        rule: Id of the rule that the data break, see rules.py.
        at: Location in the data.
        flags: Options that change the outcome; the first one is the usual choice.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        rule: str,
        at: "Location | None" = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        flag = flags[0] if flags else None
        super().__init__(message if at is None else f"{at}: {message}", hint=hint, flag=flag)
        self.rule = rule
        self.at = at
        self.flags = flags


class ArtifactError(LstmError):
    """Artifact or output that is missing, out of date, foreign, corrupt or inaccessible."""

    exit_code = 4


class MissingArtifact(ArtifactError):
    """Artifact that has not been made yet."""


class StaleArtifact(ArtifactError):
    """Artifact that is out of date: its sources changed after it was made."""


class CorruptArtifact(ArtifactError):
    """Artifact with a checksum mismatch or corrupt content."""


class ForeignFolder(ArtifactError):
    """Folder that is not a run directory of lstm."""


class OutputError(ArtifactError):
    """File that cannot be read or written because the operating system refuses."""


class QualityError(LstmError):
    """Result that is not good enough."""

    exit_code = 5


class GateFailed(QualityError):
    """`--fail-if` condition that is true."""


class QuantizationLoss(QualityError):
    """Quantized model whose error exceeds the limit."""


class TrainingDiverged(QualityError):
    """Loss, gradient or weight that is not finite."""


class LockedError(LstmError):
    """Run directory that another process is writing."""

    exit_code = 6


class DeviceError(LstmError):
    """Device that is not available, memory or a disk that is too small, or a process that is lost.

    rule: id of the rule that the data break, see rules.py.
    """

    exit_code = 7

    def __init__(
        self, message: str, *, hint: str = "", flag: str | None = None, rule: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, flag=flag)
        self.rule = rule


class Interrupted(LstmError):
    """Step that was stopped by a signal before its commit."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by signal {signum}")
        self.exit_code = 128 + signum
