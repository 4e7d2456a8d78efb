"""Where a setting comes from when no flag gives it: the environment, then a file, then what the run settled.

    LSTM_TRAIN_EPOCHS=20                 an environment variable a setting
    [train]                              a table a verb in the file of --config
    epochs = 20
    [tune.space]                         a table below it, for NAME=VALUE options
    lr = "1e-4..1e-2:log"

Every value leaves here as the text that would stand behind the flag (a list of texts where the flag may be
repeated, a truth value where it is a switch), so that one parser serves all three sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.errors import UsageError
from lstm_cli.os_errors import os_error_reason
from lstm_cli.text import did_you_mean

Kind = Literal["value", "repeated", "pairs", "switch"]
"""What a flag takes: one value, one value each time it is given, NAME=VALUE each time it is given, or none."""

EVERYWHERE = ("quiet", "ignore", "log_format")  # options that a variable without a verb sets: LSTM_QUIET=1
ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value that no flag gave, and the place that did."""

    value: str | bool | list[str]
    origin: str  # for messages, e.g. LSTM_TRAIN_EPOCHS or '[train] epochs' in lstm.toml
    source: str = ""  # as a run records it, e.g. `environment LSTM_TRAIN_EPOCHS`, `file lstm.toml` or `tune`
    note: str = ""  # for stderr: that the place uses an old name


def environment_variable(verb: str, option: str) -> str:
    """The environment variable of an option.

    >>> variable("train", "batch_size")
    'LSTM_TRAIN_BATCH_SIZE'
    """
    return f"LSTM_{verb}_{option}".replace("-", "_").upper()


def flag_name(option: str) -> str:
    """Return the flag of an option.

    >>> flag_of("batch_size")
    '--batch-size'
    """
    return f"--{option.replace('_', '-')}"


def common_variable(option: str) -> str:
    """Return the environment variable of an option that all verbs have.

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
    """The settings of one verb that the file holds, with the environment laid over them.

    `kinds` names the verb's options with underscores (`batch_size`); `verbs` are the tables a file may hold.
    Raises UsageError for a file that cannot be read, and for a table, key or variable that is not known.
    """
    named = file or environ.get(environment_variable(verb, "config"))
    found = _from_file(named, verb, kinds, verbs) if named else {}
    return found | _from_environment(verb, kinds, environ)


def _from_environment(verb: str, kinds: Mapping[str, Kind], environ: Mapping[str, str]) -> dict[str, Setting]:
    names = {environment_variable(verb, option): option for option in kinds}
    old = {environment_variable(verb, name): now for name, now in RENAMED.items() if now in kinds}
    found = {
        option: _of_variable(common_variable(option), environ[common_variable(option)], kinds[option])
        for option in EVERYWHERE
        if option in kinds and environ.get(common_variable(option))
    }
    for name, text in environ.items():
        if not name.startswith(environment_variable(verb, "")) or name == environment_variable(
            verb, "config"
        ):
            continue
        if name not in names | old:
            raise UsageError(
                f"the environment variable {name} is no setting of 'lstm {verb}'",
                hint=did_you_mean(name, names) or f"unset it, or see 'lstm {verb} --help'",
            )
        if text and not (
            name in old and environ.get(environment_variable(verb, old[name]))
        ):  # empty is as good as not set
            option = names.get(name) or old[name]
            note = renamed_note(name, environment_variable(verb, option)) if name in old else ""
            found[option] = replace(_of_variable(name, text, kinds[option]), note=note)
    return found


def _of_variable(name: str, text: str, kind: Kind) -> Setting:
    return Setting(value=_read_variable(name, text, kind), origin=name, source=f"environment {name}")


def _read_variable(name: str, text: str, kind: Kind) -> str | bool | list[str]:
    if kind == "value":
        return text
    if kind == "switch":
        if text.lower() not in ON + OFF:
            raise UsageError(f"{name} '{text}' is neither on nor off", hint=f"set {name}=1 or {name}=0")
        return text.lower() in ON
    if not text.lstrip().startswith("["):
        return [text]  # one value: names may hold commas and blanks
    import json

    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise UsageError(
            f"{name} '{text}' is not a JSON list of texts",
            hint=f"""write {name}='["A", "B"]', or one value as it is""",
        )
    return values


def _from_file(path: str, verb: str, kinds: Mapping[str, Kind], verbs: tuple[str, ...]) -> dict[str, Setting]:
    tables = _read_toml(path)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(
                f"{path}: '{name}' stands outside a table", hint=f"write it below a line '[{verb}]'"
            )
        if name not in verbs:
            raise UsageError(
                f"{path}: there is no table '[{name}]'",
                hint=did_you_mean(name, verbs) or f"the tables are {', '.join(verbs)}",
            )
    found: dict[str, Setting] = {}
    for key, value in tables.get(verb, {}).items():
        told = key.replace("-", "_")  # as the flag or as the variable spells it
        option = RENAMED.get(told, told) if RENAMED.get(told) in kinds else told
        origin = f"'[{verb}] {key}' in {path}"
        if option not in kinds:
            known = [name.replace("_", "-") if "-" in key else name for name in kinds]
            raise UsageError(
                f"{path}: '{key}' in '[{verb}]' is no setting",
                hint=did_you_mean(key, known) or f"see 'lstm {verb} --help'",
            )
        if option in found:
            raise UsageError(f"{path}: '{key}' in '[{verb}]' is set twice", hint="keep one of the two lines")
        found[option] = Setting(
            value=_read_value(origin, value, kinds[option]),
            origin=origin,
            source=f"file {path}",
            note=renamed_note(origin, f"'{option}'") if option != told else "",
        )
    return found


LONGEST = 1 << 20  # bytes of a file of settings


def _read_toml(path: str) -> dict[str, Any]:
    import tomllib

    try:
        with Path(path).open("rb") as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise UsageError(f"{path} is no file of settings: it is larger than {LONGEST >> 20} MiB")
        return tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no file '{path}'", hint="give --config the path of a TOML file") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {os_error_reason(error)}", hint="give --config a readable TOML file"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", hint="save it as UTF-8, as TOML asks") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not TOML: {error}", hint='texts stand in quotes: device = "cpu"'
        ) from error


def _read_value(origin: str, value: Any, kind: Kind) -> str | bool | list[str]:
    if kind == "switch":
        if not isinstance(value, bool):
            raise UsageError(
                f"{origin} is neither true nor false", hint="write true or false, without quotes"
            )
        return value
    if kind == "repeated":
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in values):
            raise UsageError(f"{origin} is not a list of texts", hint='write a list such as ["A", "B"]')
        return values
    if kind == "pairs":
        return _read_pairs(origin, value)
    if isinstance(value, list) and value and all(_is_number(one) for one in value):
        return ",".join(str(one) for one in value)
    if isinstance(value, (bool, list, dict)):
        raise UsageError(
            f"{origin} takes one value", hint='write a number, or a text in quotes such as "auto"'
        )
    return str(value)  # a text, a number, or a date as TOML has them


def _read_pairs(origin: str, value: Any) -> list[str]:
    """A table as NAME=VALUE texts, a list in it as A|B; or such texts as they are."""
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and texts and all(isinstance(one, str) for one in texts):
        return texts
    if not isinstance(value, dict):
        raise UsageError(f"{origin} is no table", hint='write lines such as lr = "1e-4..1e-2:log" below it')
    if not value:
        raise UsageError(f"{origin} is empty", hint='write lines such as lr = "1e-4..1e-2:log" below it')
    return [f"{name}={_as_choice(origin, name, one)}" for name, one in value.items()]


def _as_choice(origin: str, name: str, value: Any) -> str:
    texts = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool):
            texts.append("on" if one else "off")
        elif isinstance(one, list) and one and all(_is_number(number) for number in one):
            texts.append(",".join(str(number) for number in one))  # the sizes of several layers
        elif isinstance(one, str) or _is_number(one):
            texts.append(str(one))
        else:
            raise UsageError(
                f"{origin}: '{name}' holds neither texts nor numbers",
                hint=f'write a range or a list: {name} = ["A", "B"]',
            )
    return "|".join(texts)


def settings_of_run(
    stored: Mapping[str, Any], kinds: Mapping[str, Kind], *, origin: str, source: str = ""
) -> dict[str, Setting]:
    """Settings that a run keeps as JSON, those of them that are options of the verb."""
    found = {}
    for option, value in stored.items():
        if option in kinds and value is not None:
            found[option] = Setting(
                value=_read_value(origin, value, kinds[option]), origin=origin, source=source
            )
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
