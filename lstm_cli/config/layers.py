"""Sources of settings without a flag: the environment, then a file, then the stored settings of the run.

    LSTM_TRAIN_EPOCHS=20                 one environment variable per setting
    [train]                              one table per verb in the file of --config
    epochs = 20
    [tune.space]                         a subtable for NAME=VALUE options
    lr = "1e-4..1e-2:log"

Each value is returned as the text that would follow the flag, so that one parser serves all sources. A repeatable
option returns a list of texts, and a switch returns a bool.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.config.settings_file import read_settings_file
from lstm_cli.errors import UsageError
from lstm_cli.wording import did_you_mean

Kind = Literal["value", "pair", "repeated", "numbers", "pairs", "switch"]
"""Value of a flag: one value, two texts, a repeatable text, a repeatable number, a repeatable NAME=VALUE, or none."""

COMMON_OPTIONS = ("quiet", "ignore", "log_format")  # also set by a variable without a verb: LSTM_QUIET=1
ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Value of a setting without a flag, and its source."""

    value: str | bool | list[str]
    origin: str  # for messages, e.g. LSTM_TRAIN_EPOCHS or '[train] epochs' in lstm.toml
    source: str = ""  # for the manifest, e.g. `environment LSTM_TRAIN_EPOCHS`, `file lstm.toml` or `tune`
    note: str = ""  # for stderr, if the source uses an old name


def environment_variable(verb: str, option: str) -> str:
    """Return the environment variable of an option.

    >>> environment_variable("train", "batch_size")
    'LSTM_TRAIN_BATCH_SIZE'
    """
    return f"LSTM_{verb}_{option}".replace("-", "_").upper()


def flag_name(option: str) -> str:
    """Return the flag of an option.

    >>> flag_name("batch_size")
    '--batch-size'
    """
    return f"--{option.replace('_', '-')}"


def common_variable(option: str) -> str:
    """Return the environment variable of an option shared by all verbs.

    >>> common_variable("quiet")
    'LSTM_QUIET'
    """
    return f"LSTM_{option}".upper()


def find_settings(
    verb: str,
    kinds: Mapping[str, Kind],
    *,
    file: str | None,
    environ: Mapping[str, str],
    verbs: tuple[str, ...],
) -> dict[str, Setting]:
    """Return the settings of one verb from the file and the environment; the environment has priority.

    Args:
        verb: name of the verb.
        kinds: kind of each option, by name with underscores (`batch_size`).
        file: path of --config, if given.
        environ: environment variables.
        verbs: allowed tables of the file.

    Raises:
        UsageError: the file is not readable, or a table, key or variable is unknown.
    """
    path = file or environ.get(environment_variable(verb, "config"))
    settings = _from_file(path, verb, kinds, verbs) if path else {}
    return settings | _from_environment(verb, kinds, environ)


def _from_environment(verb: str, kinds: Mapping[str, Kind], environ: Mapping[str, str]) -> dict[str, Setting]:
    names = {environment_variable(verb, option): option for option in kinds}
    old_names = {environment_variable(verb, old): new for old, new in RENAMED.items() if new in kinds}
    settings = {
        option: _setting_from_variable(
            common_variable(option), environ[common_variable(option)], kinds[option]
        )
        for option in COMMON_OPTIONS
        if option in kinds and environ.get(common_variable(option))
    }
    for name, text in environ.items():
        if not name.startswith(environment_variable(verb, "")) or name == environment_variable(
            verb, "config"
        ):
            continue
        if name not in names | old_names:
            raise UsageError(
                f"unknown environment variable {name} for 'lstm {verb}'",
                hint=did_you_mean(name, names) or f"unset it, or see 'lstm {verb} --help'",
            )
        # An empty variable counts as not set. A new name has priority over an old one.
        if text and not (name in old_names and environ.get(environment_variable(verb, old_names[name]))):
            option = names.get(name) or old_names[name]
            note = renamed_note(name, environment_variable(verb, option)) if name in old_names else ""
            settings[option] = replace(_setting_from_variable(name, text, kinds[option]), note=note)
    return settings


def _setting_from_variable(name: str, text: str, kind: Kind) -> Setting:
    return Setting(value=_read_variable(name, text, kind), origin=name, source=f"environment {name}")


def _read_variable(name: str, text: str, kind: Kind) -> str | bool | list[str]:
    if kind == "value":
        return text
    if kind == "switch":
        if text.lower() not in ON + OFF:
            raise UsageError(f"{name} '{text}' is invalid: use 1 or 0", hint=f"set {name}=1 or {name}=0")
        return text.lower() in ON
    if kind == "pair" and not text.lstrip().startswith("["):
        return _two_words(name, text)
    if not text.lstrip().startswith("["):
        return [text]  # one value: names may contain commas and spaces
    import json

    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    allowed, noun, example = (
        (str, "strings", '["A", "B"]')
        if kind in ("repeated", "pair")
        else ((str, int, float), "numbers", "[1, 2]")
    )
    if not isinstance(values, list) or not all(isinstance(value, allowed) for value in values):
        raise UsageError(
            f"{name} '{text}' is not a JSON list of {noun}",
            hint=f"write {name}='{example}', or one value without brackets",
        )
    if kind == "pair" and len(values) != 2:
        raise _pair_error(name, text)
    return [str(value) for value in values]


def _two_words(name: str, text: str) -> list[str]:
    """Return the two words of a variable, which may be quoted as in a shell. Raise UsageError for another number."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:  # a quote without its end
        words = []
    if len(words) != 2:
        raise _pair_error(name, text)
    return words


def _pair_error(name: str, text: str) -> UsageError:
    return UsageError(
        f"{name} '{text}' is not two values",
        hint=f"""write {name}='A B', or {name}='["A", "B"]' for names with blanks""",
    )


def _from_file(path: str, verb: str, kinds: Mapping[str, Kind], verbs: tuple[str, ...]) -> dict[str, Setting]:
    tables = read_settings_file(path)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{path}: '{name}' is outside a table", hint=f"move it below a line '[{verb}]'")
        if name not in verbs:
            raise UsageError(
                f"{path}: unknown table '[{name}]'",
                hint=did_you_mean(name, verbs) or f"the tables are {', '.join(verbs)}",
            )
    settings: dict[str, Setting] = {}
    for key, value in tables.get(verb, {}).items():
        name = key.replace("-", "_")  # a key may be spelled as the flag or as the variable
        option = RENAMED.get(name, name) if RENAMED.get(name) in kinds else name
        origin = f"'[{verb}] {key}' in {path}"
        if option not in kinds:
            known = [name.replace("_", "-") if "-" in key else name for name in kinds]
            raise UsageError(
                f"{path}: unknown setting '{key}' in '[{verb}]'",
                hint=did_you_mean(key, known) or f"see 'lstm {verb} --help'",
            )
        if option in settings:
            raise UsageError(
                f"{path}: duplicate setting '{key}' in '[{verb}]'", hint="keep one of the two lines"
            )
        settings[option] = Setting(
            value=_read_value(origin, value, kinds[option]),
            origin=origin,
            source=f"file {path}",
            note=renamed_note(origin, f"'{option}'") if option != name else "",
        )
    return settings


def _read_value(origin: str, value: Any, kind: Kind) -> str | bool | list[str]:
    if kind == "switch":
        if not isinstance(value, bool):
            raise UsageError(f"{origin} is not true or false", hint="write true or false, without quotes")
        return value
    if kind in ("repeated", "pair"):
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in values):
            raise UsageError(f"{origin} is not a list of strings", hint='write a list such as ["A", "B"]')
        if kind == "pair" and len(values) != 2:
            raise UsageError(f"{origin} is not a list of two strings", hint='write a list such as ["A", "B"]')
        return values
    if kind == "numbers":
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) or _is_number(item) for item in values):
            raise UsageError(f"{origin} is not a list of numbers", hint="write a list such as [1, 2]")
        return [str(item) for item in values]
    if kind == "pairs":
        return _read_pairs(origin, value)
    if isinstance(value, list) and value and all(_is_number(item) for item in value):
        return ",".join(str(item) for item in value)
    if isinstance(value, (bool, list, dict)):
        raise UsageError(
            f"{origin} is not a single value", hint='write a number, or a string in quotes such as "auto"'
        )
    return str(value)  # a string, a number or a TOML date


def _read_pairs(origin: str, value: Any) -> list[str]:
    """Return a table as NAME=VALUE texts, with each list as A|B; return NAME=VALUE texts unchanged."""
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
        return texts
    if not isinstance(value, dict):
        raise UsageError(
            f"{origin} is not a table", hint='write lines such as lr = "1e-4..1e-2:log" below it'
        )
    if not value:
        raise UsageError(f"{origin} is empty", hint='write lines such as lr = "1e-4..1e-2:log" below it')
    return pair_texts(origin, value)


def pair_texts(origin: str, pairs: Mapping[str, Any]) -> list[str]:
    """Return a mapping as NAME=VALUE texts, with each list as A|B. Raise UsageError, which names the origin."""
    return [f"{name}={_choice_text(origin, name, item)}" for name, item in pairs.items()]


def _choice_text(origin: str, name: str, value: Any) -> str:
    texts = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool):
            texts.append("on" if item else "off")
        elif isinstance(item, list) and item and all(_is_number(number) for number in item):
            texts.append(",".join(str(number) for number in item))  # sizes of several layers
        elif isinstance(item, str) or _is_number(item):
            texts.append(str(item))
        else:
            raise UsageError(
                f"{origin}: '{name}' has values other than strings and numbers",
                hint=f'write a range or a list: {name} = ["A", "B"]',
            )
    return "|".join(texts)


def settings_from_run(
    stored: Mapping[str, Any], kinds: Mapping[str, Kind], *, origin: str, source: str = ""
) -> dict[str, Setting]:
    """Return the stored JSON settings of a run that are options of the verb.

    Args:
        stored: JSON value of each setting.
        kinds: kind of each option of the verb.
        origin: origin for messages.
        source: source for the manifest.
    """
    settings = {}
    for option, value in stored.items():
        if option in kinds and value is not None:
            settings[option] = Setting(
                value=_read_value(origin, value, kinds[option]), origin=origin, source=source
            )
    return settings


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
