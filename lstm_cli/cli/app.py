"""Typer application for one command line; it imports only the named verb."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lstm_cli import __version__
from lstm_cli.cli.stdio import print_note
from lstm_cli.cli.verbs import COMMON_PANEL, VERBS
from lstm_cli.config.layers import flag_name
from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.errors import UsageError
from lstm_cli.wording import did_you_mean

Work = Callable[[], None]
"""Work of a valid command line, to be called without arguments."""
ABOUT = """LSTM forecasting for time series: from a CSV file to a tested forecast.

It also classifies labelled sequences, and learns to write text.

All commands share one run directory, where each step stores its result."""
EPILOG = """\b
Example:
  lstm check sample_data/ETTh1.csv --target OT
  lstm prepare sample_data/ETTh1.csv runs/load --target OT --horizon 24
  lstm train runs/load
  lstm evaluate runs/load
  lstm quantize runs/load
  lstm predict runs/load -o runs/forecast.csv

\b
'lstm help COMMAND' shows the help of a command.
Options can also be set by environment variables (LSTM_TRAIN_EPOCHS=20) or in
a TOML file (--config lstm.toml with a table [train]). A flag overrides both.
LSTM_QUIET=1 and LSTM_LOG_FORMAT=json apply to all commands.
If nothing changed, a step prints 'up to date' and exits (--force reruns it).
Exit codes: 0 success, 1 bug, 2 usage, 3 data, 4 artifact, 5 quality gate,
6 locked run, 7 device or memory."""
COMPLETE = "_LSTM_COMPLETE"  # variable that the shell sets for completion, named by Typer
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """Facts about the options, collected while Typer parses a command line."""

    origins: dict[str, str] = field(default_factory=dict)  # flag: variable or file line that set it
    notes: list[str] = field(default_factory=list)  # notes on old names, for stderr

    def origin_of(self, error: UsageError) -> str:
        """Return the end of a message: what set its option, or another option that it names; "" for neither."""
        if error.flag in self.origins:
            return f" (set by {self.origins[error.flag]})"
        if error.flag is None:
            return ""
        named = [flag for flag in _FLAG.findall(error.message) if flag in self.origins]
        return f" ({named[0]} is set by {self.origins[named[0]]})" if named else ""


class VerbCommand(TyperCommand):
    """Verb with plain-text help that groups options by panel; it is fast and prints the same in a pipe."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a verb. Raises UsageError for an option that is given twice but takes one value."""
        if not ctx.resilient_parsing:  # completion
            *_, given = self.make_parser(ctx).parse_args(args=list(args))
            for param in given:
                is_option = param.param_type_name == "option"
                if is_option and not param.multiple and param.name != "help" and given.count(param) > 1:
                    raise _given_twice_error(param)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                panels.setdefault(_panel(param), []).append(record)
        common = panels.pop(COMMON_PANEL, [])  # listed last
        for title, records in [*panels.items(), (COMMON_PANEL, common)]:
            with formatter.section(title):
                formatter.write_dl(records)


class VerbGroup(TyperGroup):
    """Group of verbs that lists the full first line of each help, which Typer would truncate."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _given_twice_error(param: Any) -> UsageError:
    """Return the error for an option that is given twice. Typer would drop the first value in silence."""
    flags = [*param.opts[-1:], *param.secondary_opts]
    return UsageError(f"{'/'.join(flags)} is given twice", hint="keep one of the two", flag=flags[0])


def _panel(param: Any) -> str:
    if param.param_type_name == "argument":
        return "Arguments"
    if param.name == "help":
        return COMMON_PANEL
    return param.rich_help_panel or "Options"


def find_verb(argv: Sequence[str]) -> str:
    """Return the verb of a command line; "" if it begins with an option or an unknown word."""
    return argv[0] if argv and argv[0] in VERBS else ""


def parse(argv: Sequence[str]) -> Work | None:
    """Check a command line and return its work; None after --help, --version or completion.

    Raises UsageError or a Typer exception for an invalid command line.
    """
    call = CommandLine()
    if argv and argv[0].startswith(("--show-completion=", "--install-completion=")):
        argv = [*argv[0].split("=", 1), *argv[1:]]
    argv = _help_argv(argv) if argv[:1] == ["help"] else argv
    verb = find_verb(argv)
    if argv[:1] in (["--show-completion"], ["--install-completion"]) and len(argv) > 1:
        _request_completion(*argv)
    if COMPLETE in os.environ:
        app, name, words = _group(whole=True), "lstm", list(argv)
    elif verb:
        app, name, words = single_verb_app(verb), f"lstm {verb}", _rename_old_flags(verb, argv[1:], call)
    else:
        _refuse_unknown(argv)
        app, name, words = _group(whole=False), "lstm", list(argv)
    try:
        outcome = app(args=words, prog_name=name, standalone_mode=False, obj=call)
    except UsageError as error:
        error.message += call.origin_of(error)
        raise
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        raise
    if isinstance(outcome, int) and outcome:  # the code of typer.Exit
        raise SystemExit(outcome)
    for note in call.notes:
        print_note(note)
    return outcome if callable(outcome) else None


def _help_argv(argv: Sequence[str]) -> Sequence[str]:
    """Return `lstm VERB --help` for `lstm help VERB`. Raises UsageError for more words."""
    if len(argv) > 2:
        raise UsageError(
            f"'lstm help' takes one command, not '{' '.join(argv[1:])}'", hint=f"write 'lstm help {argv[1]}'"
        )
    return ["--help"] if argv[1:] == ["help"] else [*argv[1:], "--help"]


def _request_completion(flag: str, shell: str, *rest: str) -> None:
    """Set the variable that requests the completion script of a shell. Raises UsageError for an unknown shell."""
    if flag == "--install-completion":
        raise UsageError(
            "--install-completion takes no value: it works only for the current shell",
            hint=f"add the output of 'lstm --show-completion {shell}' to the startup file of that shell",
            flag="--install-completion",
        )
    if rest or shell not in SHELLS:
        raise UsageError(
            f"--show-completion '{' '.join((shell, *rest))}' is invalid: use one of {', '.join(SHELLS)}",
            hint=did_you_mean(shell, SHELLS) or "write 'lstm --show-completion zsh'",
            flag="--show-completion",
        )
    os.environ[COMPLETE] = f"source_{shell}"


def _rename_old_flags(verb: str, words: Sequence[str], call: CommandLine) -> list[str]:
    """Return the words of a verb with current flag names, and add a note for each old name."""
    flags = (
        {flag_name(old): flag_name(new) for old, new in RENAMED.items()} if verb in ("train", "tune") else {}
    )
    renamed = []
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in flags:
            call.notes.append(renamed_note(flag, flags[flag]))
        renamed.append(f"{flags.get(flag, flag)}{equals}{value}")
    return renamed


def verbs_with_option(flag: str) -> list[str]:
    """Return the verbs that have an option."""
    return [verb for verb in VERBS if flag in verb_options(verb)]


def verb_options(verb: str) -> list[str]:
    """Return the long flags of a verb, those shared by all verbs last."""
    params = [
        param
        for param in typer.main.get_command(single_verb_app(verb)).params
        if param.param_type_name == "option"
    ]
    params.sort(key=lambda param: _panel(param) == COMMON_PANEL)  # stable
    flags = [flag for param in params for flag in param.opts] + [
        flag for param in params for flag in param.secondary_opts
    ]
    return [flag for flag in flags if flag.startswith("--")]


def single_verb_app(verb: str) -> typer.Typer:
    """Return an application of one verb, because each other verb slows the start."""
    app = _new_app(completion=False)
    _add(app, verb)
    return app


def _group(*, whole: bool) -> typer.Typer:
    """Return `lstm` with all verbs: complete (for completion), or by name only (for `lstm --help`)."""
    app = _new_app(completion=True)
    app.callback(help=ABOUT, epilog=EPILOG)(_lstm)
    for verb, line in VERBS.items():
        if whole:
            _add(app, verb)
        else:
            app.command(verb, help=line, context_settings={"ignore_unknown_options": True})(_listed_verb)
    return app


def _new_app(*, completion: bool) -> typer.Typer:
    return typer.Typer(
        cls=VerbGroup,
        rich_markup_mode=None,  # plain help is fast and prints the same in a pipe
        pretty_exceptions_enable=False,
        add_completion=completion,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _add(app: typer.Typer, verb: str) -> None:
    from lstm_cli.cli.options import with_stderr_options  # not needed by `lstm --help`

    module = import_module(f"lstm_cli.cli.commands.{verb}")
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    app.command(verb, cls=VerbCommand, epilog=f"\b\nExamples:\n{examples}")(
        with_stderr_options(getattr(module, verb))
    )


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"lstm {__version__}")
        raise typer.Exit()


def _lstm(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            is_eager=True,
            callback=_print_version,
            show_default=False,
        ),
    ] = False,
) -> None:
    pass  # the options of `lstm` itself work in callbacks


def _listed_verb(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
    """Raise UsageError. This is the placeholder of each verb in the list of `lstm --help`."""
    raise UsageError("options must come after the command", hint="write lstm COMMAND [OPTIONS]")


def _refuse_unknown(argv: Sequence[str]) -> None:
    if not argv:
        from contextlib import redirect_stdout

        with redirect_stdout(sys.stderr):
            _group(whole=False)(args=["--help"], prog_name="lstm", standalone_mode=False)
        raise UsageError("missing command", hint="start with 'lstm prepare DATA RUN'")
    if not argv[0].startswith("-"):
        raise UsageError(
            f"unknown command '{argv[0]}'",
            hint=did_you_mean(argv[0], VERBS) or f"the commands are {', '.join(VERBS)}",
        )
