"""How a setting of a verb is declared, once: its default, its meaning, its bounds, and what the command line shows.

    lr: float | None = setting(None, "Learning rate at its peak.", "X", kind="number", above=0)

Typer's options are made from it (see `cli/options.py`), and `require_bounds` checks what it says.
"""

from dataclasses import field, fields
from typing import Any

from lstm_cli.config.layers import flag_name
from lstm_cli.config.validators import require_at_least, require_choice
from lstm_cli.errors import UsageError

MACHINE, TEXT = "Machine", "How text is read"  # panels of several verbs


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
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """Return a dataclass field for a setting.

    flag: where it is not the field's name, e.g. `-o --output`. kind: how its text is read, a name in
    `cli/option_values.py`. default_text: what the default means, for the help. model: the only value of --model that
    the setting goes with. panel: the group of the help that lists it. choices: all values that are allowed. words:
    the texts that are allowed where numbers are too. least (included), above and below (excluded): the bounds of a
    number, or of each of several.
    """
    told = {name: value for name, value in locals().items() if name != "default"}
    return field(default=default, metadata=told | {"panel": panel or (model and f"Model {model}")})


def threads_setting() -> Any:
    """Return the field for the CPU threads of a verb; None: all cores."""
    return setting(None, "CPU threads.", "N", kind="whole", default_text="all cores", panel=MACHINE, least=1)


def encoding_setting() -> Any:
    """Return the field for the encoding of a verb's text."""
    return setting(
        None,
        "Encoding of the text, e.g. latin-1.",
        "NAME",
        default_text="UTF-8, or UTF-16 with its mark",
        panel=TEXT,
    )


def require_bounds(config: Any) -> None:
    """Raise UsageError for the first setting that is not as it was declared; a default of None is left alone."""
    for one in fields(config):
        flag, value, told = flag_name(one.name), getattr(config, one.name), one.metadata
        # An empty value in the place of None is told as a wrong value, below.
        given = value != one.default and (value or one.default)
        if told["model"] and told["model"] != config.model and given:
            raise UsageError(
                f"{flag} is a setting of --model {told['model']}, not of {config.model}",
                hint=f"add --model {told['model']}",
                flag=flag,
            )
        if value is not None or one.default is not None:
            for each in value if isinstance(value, tuple) else (value,):
                _require(flag, each, told)


def _require(flag: str, value: Any, told: Any) -> None:
    least, above, below = told["least"], told["above"], told["below"]
    if told["choices"] or (told["words"] and isinstance(value, str)):
        require_choice(flag, value, told["choices"] or told["words"])
    elif below is not None and not least <= value < below:
        raise UsageError(
            f"{flag} {value:g} is not within {least:g} and {below:g} ({below:g} excluded)", flag=flag
        )
    elif least is not None:
        require_at_least(flag, value, least)
    elif above is not None and not value > above:
        raise UsageError(f"{flag} {value:g} is not above {above:g}", flag=flag)
