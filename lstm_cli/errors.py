"""Every error that the tool expects, as one tree. The class decides the exit code.

    LstmError
    ├── UsageError            2   usage or settings: wrong whatever the data hold
    ├── DataError             3   the data: unreadable as asked, or they cannot satisfy an option
    ├── ArtifactError         4   an artifact or output cannot be read or written
    │   ├── MissingArtifact       no step has made it yet
    │   ├── StaleArtifact         made from other bytes than those there now
    │   ├── CorruptArtifact       its bytes are not those that were written
    │   ├── ForeignFolder         the folder is not a run directory of ours
    │   └── OutputError           a file cannot be read or written (EIO, ENOSPC, EROFS, EACCES)
    ├── QualityError          5   not good enough
    │   ├── GateFailed            a `--fail-if` condition came true
    │   ├── QuantizationLoss      the quantised model lost too much
    │   └── TrainingDiverged      a loss, gradient or weight was not finite
    ├── LockedError           6   another process writes the run
    ├── DeviceError           7   the device is absent, or memory does not suffice
    └── Interrupted       128+n   ended by signal n

An error carries one sentence that names the place, and a hint: the command or flag that mends it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_cli.findings import Location


class LstmError(Exception):
    """An expected failure: `message` says what and where, `hint` what to do about it, `flag` which option is wrong.

    rule: the id of the rule that the data break, see rules.py.
    report: what the step reports nevertheless, for the command to print; set by the step that raises.
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
    """Usage or settings that are wrong whatever the data hold."""

    exit_code = 2


class DataError(LstmError):
    """Data that cannot be read as asked, or that cannot satisfy an option.

    Args:
        message: what is wrong; the place stands before it.
        rule: the id of the rule that it breaks, see rules.py.
        at: where in the data.
        flags: the options that decide otherwise.
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
    """An artifact or output that is missing, stale, foreign, corrupt or cannot be accessed."""

    exit_code = 4


class MissingArtifact(ArtifactError):
    """An artifact that no step has made yet."""


class StaleArtifact(ArtifactError):
    """An artifact made from other bytes than those there now."""


class CorruptArtifact(ArtifactError):
    """An artifact whose bytes are not those that were written."""


class ForeignFolder(ArtifactError):
    """A folder that is not a run directory of ours."""


class OutputError(ArtifactError):
    """A file that the system does not let us read or write."""


class QualityError(LstmError):
    """A result that is not good enough."""

    exit_code = 5


class GateFailed(QualityError):
    """A `--fail-if` condition came true."""


class QuantizationLoss(QualityError):
    """A quantised model whose error grew past the limit."""


class TrainingDiverged(QualityError):
    """A loss, gradient or weight that is not finite."""


class LockedError(LstmError):
    """Another process is writing the run."""

    exit_code = 6


class DeviceError(LstmError):
    """A device that is absent, or memory that does not suffice."""

    exit_code = 7


class Interrupted(LstmError):
    """A step ended by a signal, before its commit."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by signal {signum}")
        self.exit_code = 128 + signum
