"""Declaration of a setting: its default, its help text, its bounds and its flag.

    lr: float | None = setting(None, "Peak learning rate.", "X", kind="number", above=0)

`cli/options.py` makes a Typer option from each declaration. `require_bounds` checks the declared bounds.
"""

from dataclasses import Field, field, fields
from typing import Any

from lstm_cli.config.layers import flag_name
from lstm_cli.config.validators import require_at_least, require_choice
from lstm_cli.errors import UsageError

HARDWARE_PANEL, LEDGER_PANEL, TEXT_TASK_PANEL = "Hardware", "Ledger", "Text"
MAX_THREADS = 1_024  # more than a machine has cores; libraries keep the number in 32 bits


def setting(
    default: Any,
    help: str,
    metavar: str | None = None,
    *,
    flag: str | None = None,
    kind: str | None = None,
    default_text: str | None = None,
    panel: str | None = None,
    model: str | None = None,
    choices: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """Return a dataclass field for a setting.

    Args:
        default: default value.
        help: help text.
        metavar: placeholder of the value in the help.
        flag: flag, if it is not the name of the field, e.g. `-o --output`.
        kind: parser of the text, a key of `READERS` in `config/option_values.py`.
        default_text: description of the default in the help.
        panel: group of the help that lists the option.
        model: the only value of --model that accepts the setting.
        choices: allowed values.
        words: allowed words next to numbers, such as `auto`.
        minimum: inclusive lower bound of the number, or of each number in a tuple.
        above: exclusive lower bound.
        below: exclusive upper bound.
    """
    declaration = {name: value for name, value in locals().items() if name != "default"}
    return field(default=default, metadata=declaration | {"panel": panel or (model and f"Model {model}")})


def threads_setting() -> Any:
    """Return the field for the number of CPU threads; None means all cores."""
    return setting(
        None,
        "Number of CPU threads.",
        "N",
        kind="whole",
        default_text="all cores",
        panel=HARDWARE_PANEL,
        minimum=1,
        below=MAX_THREADS + 1,
    )


def keep_days_setting() -> Any:
    """Return the field of `--keep-days`: forecasts in the ledger of the run."""
    return setting(
        400,
        "Number of days with forecasts that the ledger keeps; older ones are removed.",
        "N",
        kind="whole",
        panel=LEDGER_PANEL,
        minimum=1,
    )


def own_fields_first(kind: Any) -> "list[Field[Any]]":
    """Return the fields of a config for the help: those of the class itself, then those of its base classes."""
    return sorted(fields(kind), key=lambda field: field.name not in vars(kind).get("__annotations__", {}))


def require_bounds(config: Any) -> None:
    """Raise UsageError for the first setting outside its declared bounds; a default of None is not checked."""
    for declared in fields(config):
        flag, value, declaration = flag_name(declared.name), getattr(config, declared.name), declared.metadata
        # An empty value instead of None is reported as a wrong value, below.
        given = value != declared.default and (value or declared.default)
        if declaration["model"] and declaration["model"] != config.model and given:
            raise UsageError(
                f"{flag} works only with --model {declaration['model']}, not with {config.model}",
                hint=f"add --model {declaration['model']}",
                flag=flag,
            )
        if value is not None or declared.default is not None:
            for item in value if isinstance(value, tuple) else (value,):
                _require(flag, item, declaration)


def _require(flag: str, value: Any, declaration: Any) -> None:
    minimum, above, below = declaration["minimum"], declaration["above"], declaration["below"]
    if declaration["choices"] or (declaration["words"] and isinstance(value, str)):
        require_choice(flag, value, declaration["choices"] or declaration["words"])
    elif below is not None and not minimum <= value < below:
        raise UsageError(
            f"{flag} {value if isinstance(value, int) else f'{value:g}'} is out of range: "
            f"it must be at least {minimum:g} and below {below:g}",
            flag=flag,
        )
    elif minimum is not None:
        require_at_least(flag, value, minimum)
    elif above is not None and not value > above:
        raise UsageError(f"{flag} {value:g} is too small: it must be above {above:g}", flag=flag)
