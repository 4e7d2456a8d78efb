"""How an option is declared, and the ones that several verbs share."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from lstm_cli.cli import option_values
from lstm_cli.cli.settings import FLAG, load_settings, load_winner, parameter_source, print_settings
from lstm_cli.cli.stdio import LOG_FORMATS, configure_stderr, require_stdout
from lstm_cli.cli.verbs import COMMON
from lstm_cli.config.layers import flag_name
from lstm_cli.errors import UsageError

Verb = TypeVar("Verb", bound=Callable[..., Any])


def option(
    flag: str,
    help: str,
    metavar: str | None = None,
    *,
    parse: Callable[[str, str], Any] | None = None,
    default: str | None = None,
    choices: tuple[str, ...] = (),
    panel: str | None = None,
) -> Any:
    """An option of a verb.

    `parse` makes the value of (flag, text). Where it may be one of two types, such as a number or a word, the
    parameter is annotated Any, since Typer knows no unions. `default` tells what None does. `choices` serve
    help and completion: that a value is one of them is checked by the config's dataclass, once. `panel`: the group of
    the help that lists it.
    """

    def parsed(text: Any) -> Any:  # Typer sends defaults through here too, which are values already
        return parse(flag, text) if parse is not None and isinstance(text, str) else text

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return typer.Option(
        *flag.split(),
        help=help,
        metavar="|".join(choices) or metavar,
        parser=parsed if parse is not None else None,
        show_default=default if default is not None else True,
        autocompletion=complete if choices else None,
        rich_help_panel=panel,
    )


def switch(flag: str, help: str, *, panel: str | None = None) -> Any:
    """An option without a value."""
    return typer.Option(*flag.split(), help=help, show_default=False, rich_help_panel=panel)


def with_options_of(kind: Any, *, into: str) -> Callable[[Verb], Verb]:
    """Decorate a verb that takes the settings of a config: its parameter `into` becomes an option a field.

    kind: the dataclass, whose fields `config/setting.py` declares.
    """
    options = [_parameter(field) for field in fields(kind)]

    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def whole(**given: Any) -> Any:
            values = {param.name: given.pop(param.name) for param in options}
            return verb(**given, **{into: _settings(kind, values)})

        own = inspect.signature(verb).parameters.values()
        params = [param for each in own for param in (options if each.name == into else [each])]
        return cast(Verb, _with_signature(whole, params))

    return decorate


def _parameter(field: "Field[Any]") -> inspect.Parameter:
    """Return the option of a setting, as a parameter that Typer reads."""
    told, several = field.metadata, isinstance(field.default, tuple)
    flag, reader = told["flag"] or flag_name(field.name), told["kind"] and option_values.READERS[told["kind"]]
    if field.type is bool and told["flag"] is None:
        about = switch(flag, told["help"], panel=told["panel"])
    else:
        about = option(
            flag,
            told["help"],
            told["metavar"],
            parse=reader,
            default=told["default_text"],
            choices=told["choices"],
            panel=told["panel"],
        )
    annotation = Any if reader else list[str] | None if several else field.type
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if several else field.default,
        annotation=Annotated[annotation, about],
    )


def with_stderr_options(verb: Verb) -> Verb:
    """Decorate a verb so that it takes the options of stderr: --quiet, --verbose, --ignore and --log-format.

    With --json it needs a standard output, and is refused without one before any work.
    """
    own = list(inspect.signature(verb).parameters.values())
    takes_context = any(param.name == "context" for param in own)

    @functools.wraps(verb)
    def whole(context: typer.Context, **given: Any) -> Any:
        quiet, verbose = given.pop("quiet"), given.pop("verbose")
        if quiet and verbose:
            of_flags = [parameter_source(context, name) == FLAG for name in ("quiet", "verbose")]
            if all(of_flags):
                raise UsageError(
                    "--quiet and --verbose exclude each other", hint="choose one of them", flag="--quiet"
                )
            quiet, verbose = of_flags[0] or not of_flags[1], of_flags[1]
        configure_stderr(quiet=quiet, log_format=given.pop("log_format"), ignored=_rules(given.pop("ignore")))
        if verbose:
            print_settings(context)
        work = verb(**given, **({"context": context} if takes_context else {}))
        if given.get("as_json"):
            require_stdout("leave out --json, or redirect standard output, as in > report.json")
        return work

    place = next((at for at, param in enumerate(own) if param.name == "as_json"), len(own))
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter("quiet", kind, default=False, annotation=QuietOption),
        inspect.Parameter("verbose", kind, default=False, annotation=VerboseOption),
        inspect.Parameter("ignore", kind, default=None, annotation=IgnoreOption),
        inspect.Parameter("log_format", kind, default=LOG_FORMATS[0], annotation=LogFormatOption),
    ]
    context = [] if takes_context else [inspect.Parameter("context", kind, annotation=typer.Context)]
    return _with_signature(whole, [*context, *own[:place], *added, *own[place:]])


def _rules(ignored: Sequence[str] | None) -> list[str]:
    """Return the ids of --ignore, several also as `D516,D705`. Raises UsageError for one that cannot be ignored."""
    rules = [rule.strip().upper() for text in ignored or () for rule in text.split(",")]
    if rules:
        from lstm_cli.rules import require_ignorable

        for rule in rules:
            require_ignorable(rule)
    return rules


def _with_signature(function: Any, params: list[inspect.Parameter]) -> Any:
    """What Typer reads of the function, instead of what `wraps` would show it."""
    params = [param.replace(kind=inspect.Parameter.KEYWORD_ONLY) for param in params]
    function.__signature__ = inspect.Signature(params)
    function.__annotations__ = {param.name: param.annotation for param in params}
    del function.__wrapped__
    return function


def _settings(kind: Any, values: Mapping[str, Any]) -> Any:
    """The dataclass from the values of its options; a repeated one that is not given comes as None or a list."""
    defaults = {field.name: field.default for field in fields(kind)}
    return kind(
        **{
            name: tuple(value or ()) if isinstance(defaults[name], tuple) else value
            for name, value in values.items()
        }
    )


def _run_path(text: str) -> Path:
    if not text:  # as an unset shell variable in quotes is; Path would take it for the current directory
        raise UsageError("RUN is empty", hint="name the run directory, such as runs/load")
    return Path(text)


DataArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA...",
        help="CSV (also gzipped) or Parquet, or several of a kind as one data set; - is standard input.",
        show_default=False,
    ),
]
RunArgument = Annotated[
    Path, typer.Argument(parser=_run_path, metavar="RUN", help="The run directory.", show_default=False)
]
TunedRunArgument = Annotated[
    Path,
    typer.Argument(
        parser=_run_path,
        metavar="RUN",
        help="The run directory.",
        show_default=False,
        callback=load_winner,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file with a table a command and a key an option; flags and environment go before it.",
        is_eager=True,
        callback=load_settings,
        show_default=False,
        rich_help_panel=COMMON,
    ),
]
LockWaitOption = Annotated[
    float,
    option(
        "--lock-wait",
        "Wait so many seconds for a run that another process writes.",
        "SECONDS",
        parse=option_values.seconds,
        default="0: refuse at once",
        panel=COMMON,
    ),
]
JsonOption = Annotated[
    bool, switch("--json", "Print the report as one JSON object instead of a table.", panel=COMMON)
]
ForceOption = Annotated[
    bool, switch("--force", "Run although nothing has changed since the last time.", panel=COMMON)
]
DryRunOption = Annotated[
    bool, switch("--dry-run", "Show what would be read, written and needed, and do nothing.", panel=COMMON)
]
QuietOption = Annotated[bool, switch("-q --quiet", "Write only warnings and errors to stderr.", panel=COMMON)]
VerboseOption = Annotated[
    bool, switch("-v --verbose", "Write every setting and its source to stderr first.", panel=COMMON)
]
IgnoreOption = Annotated[
    list[str] | None,
    option(
        "--ignore",
        "Do not print the warnings of a rule, such as D516; repeatable. --json holds them all.",
        "ID",
        default="none",
        panel=COMMON,
    ),
]
LogFormatOption = Annotated[
    str,
    option(
        "--log-format", "How stderr is written; json: one object a line.", choices=LOG_FORMATS, panel=COMMON
    ),
]
