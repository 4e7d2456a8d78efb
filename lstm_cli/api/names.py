"""Names of Python in messages, in place of the flags of the command line."""

import re
from dataclasses import fields
from functools import cache

from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    TrainConfig,
    TuneConfig,
)

# Arguments of the functions that are no settings.
ARGUMENTS = ("force", "lock_wait", "fresh", "checkpoint_every", "tuned", "plot")
_COMMAND = re.compile(r"('lstm [^']*')")  # a command for a shell, which keeps its flags
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])")


def python_text(text: str) -> str:
    """Return a message with keyword arguments in place of flags; commands in quotes stay as they are.

    >>> python_text("use --na-value x, or --no-intervals with 'lstm predict runs/load --no-intervals'")
    "use `na_value` x, or `intervals=False` with 'lstm predict runs/load --no-intervals'"
    """
    parts = _COMMAND.split(text)
    parts[::2] = [_FLAG.sub(_argument, part) for part in parts[::2]]
    return "".join(parts)


def _argument(flag: "re.Match[str]") -> str:
    name, known = flag[1].replace("-", "_"), _arguments()
    if name in known:
        return f"`{name}`"
    if name == "monthfirst":
        return "`dayfirst=False`"
    return f"`{name[3:]}=False`" if name.startswith("no_") and name[3:] in known else flag[0]


@cache
def _arguments() -> frozenset[str]:
    kinds = (
        PrepareConfig,
        TrainConfig,
        TuneConfig,
        EvaluateConfig,
        QuantizeConfig,
        PredictConfig,
        ExportConfig,
    )
    return frozenset(ARGUMENTS).union(*({field.name for field in fields(kind)} for kind in kinds))
