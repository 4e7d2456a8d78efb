"""Declaration of options, and the options shared by several verbs."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from lstm_cli.cli.settings import FLAG, load_settings, load_winner, parameter_source, print_settings
from lstm_cli.cli.stdio import LOG_FORMATS, configure_stderr, require_stdout
from lstm_cli.cli.verbs import COMMON_PANEL
from lstm_cli.config import option_values
from lstm_cli.config.layers import flag_name
from lstm_cli.config.setting import own_fields_first
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
    """Return an option of a verb.

    If `parse` may return one of two types, the parameter is annotated Any, because Typer does not support unions.

    Args:
        flag: flag, or several between spaces.
        help: help text.
        metavar: placeholder of the value in the help.
        parse: function from (flag, text) to the value.
        default: description of the default in the help.
        choices: values for help and completion. The dataclass of the settings checks them.
        panel: group of the help that lists the option.
    """

    def parse_text(text: Any) -> Any:  # Typer also passes defaults, which are values already
        return parse(flag, text) if parse is not None and isinstance(text, str) else text

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return typer.Option(
        *flag.split(),
        help=help,
        metavar="|".join(choices) or metavar,
        parser=parse_text if parse is not None else None,
        show_default=default if default is not None else True,
        autocompletion=complete if choices else None,
        rich_help_panel=panel,
    )


def switch(flag: str, help: str, *, panel: str | None = None) -> Any:
    """Return an option without a value.

    Args:
        flag: flag, or several between spaces.
        help: help text.
        panel: group of the help that lists the option.
    """
    return typer.Option(*flag.split(), help=help, show_default=False, rich_help_panel=panel)


def with_options_of(kind: Any, *, into: str) -> Callable[[Verb], Verb]:
    """Return a decorator that replaces a parameter of a verb by one option for each field of a config.

    Args:
        kind: dataclass with fields made by `config/setting.py`.
        into: name of the parameter that receives the dataclass.
    """
    options = [_parameter(field) for field in own_fields_first(kind)]

    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def wrapper(**given: Any) -> Any:
            values = {param.name: given.pop(param.name) for param in options}
            return verb(**given, **{into: _settings(kind, values)})

        own = inspect.signature(verb).parameters.values()
        params = [
            param for parameter in own for param in (options if parameter.name == into else [parameter])
        ]
        return cast(Verb, _with_signature(wrapper, params))

    return decorate


def _parameter(field: "Field[Any]") -> inspect.Parameter:
    """Return the option of a setting as a parameter for Typer."""
    declaration, repeatable = field.metadata, isinstance(field.default, tuple)
    flag = declaration["flag"] or flag_name(field.name)
    reader = declaration["kind"] and option_values.READERS[declaration["kind"]]
    if field.type is bool and declaration["flag"] is None:
        info = switch(flag, declaration["help"], panel=declaration["panel"])
    else:
        info = option(
            flag,
            declaration["help"],
            declaration["metavar"],
            parse=reader,
            default=declaration["default_text"],
            choices=declaration["choices"],
            panel=declaration["panel"],
        )
    annotation: Any = Any if reader else str if repeatable else field.type
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if repeatable else field.default,
        annotation=Annotated[list[annotation] | None if repeatable else annotation, info],
    )


def with_stderr_options(verb: Verb) -> Verb:
    """Return a verb with the options of stderr: --quiet, --verbose, --ignore and --log-format.

    With --json the verb raises OutputError before any work if standard output is closed.
    """
    own = list(inspect.signature(verb).parameters.values())
    takes_context = any(param.name == "context" for param in own)

    @functools.wraps(verb)
    def wrapper(context: typer.Context, **given: Any) -> Any:
        quiet, verbose = given.pop("quiet"), given.pop("verbose")
        if quiet and verbose:
            from_flag = [parameter_source(context, name) == FLAG for name in ("quiet", "verbose")]
            if all(from_flag):
                raise UsageError(
                    "--quiet and --verbose cannot be combined", hint="choose one of them", flag="--quiet"
                )
            quiet, verbose = from_flag[0] or not from_flag[1], from_flag[1]
        configure_stderr(
            quiet=quiet, log_format=given.pop("log_format"), ignored=_parse_rules(given.pop("ignore"))
        )
        if verbose:
            print_settings(context)
        work = verb(**given, **({"context": context} if takes_context else {}))
        if given.get("as_json"):
            require_stdout("remove --json, or redirect standard output: > report.json")
        return work

    index = next((index for index, param in enumerate(own) if param.name == "as_json"), len(own))
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter("quiet", kind, default=False, annotation=QuietOption),
        inspect.Parameter("verbose", kind, default=False, annotation=VerboseOption),
        inspect.Parameter("ignore", kind, default=None, annotation=IgnoreOption),
        inspect.Parameter("log_format", kind, default=LOG_FORMATS[0], annotation=LogFormatOption),
    ]
    context = [] if takes_context else [inspect.Parameter("context", kind, annotation=typer.Context)]
    return _with_signature(wrapper, [*context, *own[:index], *added, *own[index:]])


def _parse_rules(ignored: Sequence[str] | None) -> list[str]:
    """Return the ids of --ignore, also split at commas. Raises UsageError for a rule that cannot be ignored."""
    rules = [rule.strip().upper() for text in ignored or () for rule in text.split(",")]
    if rules:
        from lstm_cli.rules import require_ignorable

        for rule in rules:
            require_ignorable(rule)
    return rules


def _with_signature(function: Any, params: list[inspect.Parameter]) -> Any:
    """Return a function with a signature for Typer, instead of the one that `wraps` would show."""
    params = [param.replace(kind=inspect.Parameter.KEYWORD_ONLY) for param in params]
    function.__signature__ = inspect.Signature(params)
    function.__annotations__ = {param.name: param.annotation for param in params}
    del function.__wrapped__
    return function


def _settings(kind: Any, values: Mapping[str, Any]) -> Any:
    """Return the dataclass from the values of its options.

    A repeatable option is a list, or None if missing. Each item is a text, or a tuple if the option has a parser.
    """
    settings = dict(values)
    for field in fields(kind):
        if isinstance(field.default, tuple):
            items = values[field.name] or ()
            settings[field.name] = tuple(chain(*items) if field.metadata["kind"] else items)
    return kind(**settings)


def _run_path(text: str) -> Path:
    return option_values.run_path("RUN", text)


DataArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA...",
        help="CSV (also .gz, .bz2, .xz, .zst or .zip) or Parquet files of one data set, a pattern, or a folder with "
        "subfolders such as shop=Aachen; - is standard input.",
        show_default=False,
    ),
]
RunArgument = Annotated[
    Path, typer.Argument(parser=_run_path, metavar="RUN", help="Run directory.", show_default=False)
]
TunedRunArgument = Annotated[
    Path,
    typer.Argument(
        parser=_run_path,
        metavar="RUN",
        help="Run directory.",
        show_default=False,
        callback=load_winner,
    ),
]
RunsArgument = Annotated[
    Path,
    typer.Argument(
        parser=_run_path,
        metavar="PATH",
        help="Run directory, or a folder with runs.",
        show_default="the current folder",
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file of options, with one table per command; flags and environment override it.",
        is_eager=True,
        callback=load_settings,
        show_default=False,
        rich_help_panel=COMMON_PANEL,
    ),
]
LockWaitOption = Annotated[
    float,
    option(
        "--lock-wait",
        "Maximum wait for a run that is locked by another process.",
        "SECONDS",
        parse=option_values.seconds,
        default="0: no wait",
        panel=COMMON_PANEL,
    ),
]
KeepOption = Annotated[
    int,
    option(
        "--keep",
        "Models to keep, with the new one; 'lstm history' can roll back to the others.",
        "N",
        parse=option_values.whole_number,
        panel="Earlier models",
    ),
]
JsonOption = Annotated[
    bool, switch("--json", "Report as one JSON object instead of tables.", panel=COMMON_PANEL)
]
ForceOption = Annotated[bool, switch("--force", "Run even if nothing changed.", panel=COMMON_PANEL)]
DryRunOption = Annotated[
    bool,
    switch("--dry-run", "Preview of inputs, outputs, time and memory; nothing is run.", panel=COMMON_PANEL),
]
QuietOption = Annotated[bool, switch("-q --quiet", "Only warnings and errors on stderr.", panel=COMMON_PANEL)]
VerboseOption = Annotated[
    bool, switch("-v --verbose", "All settings and their sources on stderr.", panel=COMMON_PANEL)
]
IgnoreOption = Annotated[
    list[str] | None,
    option(
        "--ignore",
        "Rule whose warnings are not printed, e.g. D516 (repeatable); --json keeps them.",
        "ID",
        default="none",
        panel=COMMON_PANEL,
    ),
]
LogFormatOption = Annotated[
    str,
    option(
        "--log-format",
        "Format of stderr; json writes one object per line.",
        choices=LOG_FORMATS,
        panel=COMMON_PANEL,
    ),
]
