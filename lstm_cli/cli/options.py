"""How an option is declared, and the ones that several verbs share."""

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from lstm_cli.cli import values
from lstm_cli.cli.app import COMMON, VERBS
from lstm_cli.cli.streams import LOG_FORMATS, require_stdout, speak, tell
from lstm_cli.config.renamed import by_new_names
from lstm_cli.config.sources import Kind, find_settings, of_run
from lstm_cli.errors import ArtifactError, UsageError

Verb = TypeVar("Verb", bound=Callable[..., Any])
SOURCES = (
    "lstm.sources"  # in what Typer keeps of a call: by parameter, the source of a value that no flag gave
)
FLAG, DEFAULT = "flag", "default"  # sources
MACHINE, TEXT = "Machine", "How text is read"  # panels
PAIRS = ("space",)  # options of NAME=VALUE, which a file may hold as a table


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


def with_options_of(other: Callable[..., Any], kind: Any, *, into: str) -> Callable[[Verb], Verb]:
    """Decorate a verb that takes the settings of another verb too: its parameter `into` becomes their options.

    `kind` is the dataclass of those settings, whose fields bear the names of the other verb's parameters.
    """
    named = {field.name for field in fields(kind)}
    borrowed = [param for param in inspect.signature(other).parameters.values() if param.name in named]

    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def whole(**given: Any) -> Any:
            values = {param.name: given.pop(param.name) for param in borrowed}
            return verb(**given, **{into: _settings(kind, values)})

        own = inspect.signature(verb).parameters.values()
        params = [param for each in own for param in (borrowed if each.name == into else [each])]
        return cast(Verb, _with_signature(whole, params))

    return decorate


def heard(verb: Verb) -> Verb:
    """Decorate a verb so that it takes --quiet, --verbose and --log-format, and stderr is written as they say.

    With --json it needs a standard output, and is refused without one before any work.
    """
    own = list(inspect.signature(verb).parameters.values())
    takes_context = any(param.name == "context" for param in own)

    @functools.wraps(verb)
    def whole(context: typer.Context, **given: Any) -> Any:
        quiet, verbose = given.pop("quiet"), given.pop("verbose")
        if quiet and verbose:
            of_flags = [source_of(context, name) == FLAG for name in ("quiet", "verbose")]
            if all(of_flags):
                raise UsageError("--quiet and --verbose exclude each other", hint="choose one of them")
            quiet, verbose = of_flags[0] or not of_flags[1], of_flags[1]
        speak(quiet=quiet, log_format=given.pop("log_format"))
        if verbose:
            _tell_settings(context)
        work = verb(**given, **({"context": context} if takes_context else {}))
        if given.get("as_json"):
            require_stdout("leave out --json, or redirect standard output, as in > report.json")
        return work

    place = next((at for at, param in enumerate(own) if param.name == "as_json"), len(own))
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter("quiet", kind, default=False, annotation=QuietOption),
        inspect.Parameter("verbose", kind, default=False, annotation=VerboseOption),
        inspect.Parameter("log_format", kind, default=LOG_FORMATS[0], annotation=LogFormatOption),
    ]
    context = [] if takes_context else [inspect.Parameter("context", kind, annotation=typer.Context)]
    return _with_signature(whole, [*context, *own[:place], *added, *own[place:]])


def _tell_settings(context: typer.Context) -> None:
    """Write every setting of the verb and its source to stderr: what --verbose asks for."""
    options = {param.opts[-1]: str(param.name) for param in _options(context).values()}
    width = max(map(len, options))
    for flag, name in options.items():
        value, source = values.as_words(context.params.get(name)), source_of(context, name) or DEFAULT
        tell(
            "setting",
            f"{flag:{width}}  {value}  ({source})",
            {"flag": flag, "value": value, "source": source},
        )


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


def _settle(context: typer.Context, file: str | None) -> str | None:
    """Lay the environment and the file of --config under the flags, as what Typer falls back on."""
    if context.resilient_parsing:  # completion
        return file
    verb = str(context.info_name).split()[-1]
    options = _options(context)
    found = find_settings(verb, _kinds(options), file=file, environ=os.environ, verbs=tuple(VERBS))
    context.default_map = {str(options[name].name): setting.value for name, setting in found.items()}
    context.obj.origins.update({options[name].opts[-1]: setting.origin for name, setting in found.items()})
    context.obj.notes.extend(setting.note for setting in found.values() if setting.note)
    told = {str(options[name].name): setting.source for name, setting in found.items()}
    context.meta.setdefault(SOURCES, {}).update(told)
    return file


def sources_of(context: typer.Context, *settings: Any) -> dict[str, str]:
    """By field of the settings: where its value came from, as a run records it; defaults are left out."""
    names = [field.name for one in settings for field in fields(one)]
    found = {name: source_of(context, name) for name in names}
    return {name: source for name, source in found.items() if source is not None and source != DEFAULT}


def source_of(context: typer.Context, name: str) -> str | None:
    """Return where a parameter's value came from: a flag, a variable, a file, tune, or the default."""
    given = context.get_parameter_source(name)
    if given is None:
        return None
    if given.name in ("DEFAULT", "COMMANDLINE"):
        return DEFAULT if given.name == "DEFAULT" else FLAG
    told: dict[str, str] = context.meta.get(SOURCES, {})
    return told.get(name, "")


def _options(context: typer.Context) -> dict[str, Any]:
    """The verb's options by the name that the flag bears, which is not always the parameter's: --json, as_json."""
    return {
        param.opts[-1].removeprefix("--").replace("-", "_"): param
        for param in context.command.params
        if param.param_type_name == "option" and param.name not in ("config", "help")
    }


def _kinds(options: Mapping[str, Any]) -> dict[str, Kind]:
    return {name: _kind(name, param) for name, param in options.items()}


def _kind(name: str, param: Any) -> Kind:
    if param.is_flag:
        return "switch"
    if name in PAIRS:
        return "pairs"
    return "repeated" if param.multiple else "value"


def _take_winner(context: typer.Context, run: Path) -> Path:
    """Lay what `tune` found best for the run's model under all the rest.

    RUN is looked at before the options that no flag gives, and after those that one does.
    """
    if context.resilient_parsing:
        return run
    options = _options(context)
    above: dict[str, Any] = {**(context.default_map or {}), **context.params}
    winner = winner_of(run) if above.get("tuned", True) else {}
    if above.get("model") in (None, winner.get("model")):
        origin = "the winner of 'lstm tune'"
        for name, setting in of_run(winner, _kinds(options), origin=origin, source="tune").items():
            context.meta.setdefault(SOURCES, {}).setdefault(str(options[name].name), setting.source)
            context.default_map = {str(options[name].name): setting.value, **(context.default_map or {})}
            context.obj.origins.setdefault(options[name].opts[-1], setting.origin)
    return run


def winner_of(run: Path) -> dict[str, Any]:
    """The settings of the winner of `tune`, its model among them; none where there is none or it cannot be read."""
    from lstm_cli.rundir import open_run

    try:
        with open_run(run) as opened:
            return by_new_names(opened.steps.get("tune", {}).get("report", {}).get("winner") or {})
    except ArtifactError:  # the step meets it again, and says what is wrong
        return {}


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
        callback=_take_winner,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file with a table a command and a key an option; flags and environment go before it.",
        is_eager=True,
        callback=_settle,
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
        parse=values.seconds,
        default="0: refuse at once",
        panel=COMMON,
    ),
]
ThreadsOption = Annotated[
    int | None,
    option("--threads", "CPU threads.", "N", parse=values.whole, default="all cores", panel=MACHINE),
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
LogFormatOption = Annotated[
    str,
    option(
        "--log-format", "How stderr is written; json: one object a line.", choices=LOG_FORMATS, panel=COMMON
    ),
]
EncodingOption = Annotated[
    str | None,
    option(
        "--encoding",
        "Encoding of the text, e.g. latin-1.",
        "NAME",
        default="UTF-8, or UTF-16 with its mark",
        panel=TEXT,
    ),
]
