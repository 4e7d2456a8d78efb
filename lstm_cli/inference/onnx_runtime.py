"""Import of ONNX Runtime, in one place, without its own log.

The log goes to stderr as it is: with escape codes, times of another format, and names from the model. What matters in
the log is also in the errors that ONNX Runtime raises.
"""

import re
from types import ModuleType

_FATAL = 4  # log level: lower ones are not printed
_ESCAPE_CODE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.?)", re.DOTALL)
_MAX_TEXT = 200  # characters of an error


def import_onnxruntime() -> ModuleType:
    """Return the module onnxruntime. Sessions that other packages open do not print its log either."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(_FATAL)
    return onnxruntime


def quiet_options(kind: type) -> object:
    """Return new options of a session or of a run, without the log of ONNX Runtime.

    Args:
        kind: SessionOptions or RunOptions of onnxruntime.
    """
    options = kind()
    options.log_severity_level = _FATAL
    return options


def error_text(error: Exception) -> str:
    r"""Return the first line of an error of ONNX Runtime, without escape codes and control characters.

    >>> error_text(ValueError("node '\x1b[31mred\x1b[m' failed"))
    "node 'red' failed"
    """
    lines = _ESCAPE_CODE.sub("", str(error)).splitlines() or [type(error).__name__]
    return "".join(char if char.isprintable() else " " for char in lines[0]).strip()[:_MAX_TEXT]
