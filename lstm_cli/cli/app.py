"""The verbs as a Typer application, built for the command line at hand: it loads the verb that is named."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lstm_cli import __version__
from lstm_cli.cli.stdio import print_note
from lstm_cli.cli.verbs import COMMON, VERBS
from lstm_cli.config.layers import flag_name
from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.errors import UsageError
from lstm_cli.text import did_you_mean

Work = Callable[[], None]
"""What a command line asks for, once it has been found right."""
ABOUT = """Forecast a table of measurements with an LSTM, from the CSV to a forecast that can be trusted.

The commands pass their results to each other through one run directory."""
EPILOG = """\b
The whole way:
  lstm check sample_data/ETTh1.csv --target OT
  lstm prepare sample_data/ETTh1.csv runs/load --target OT --horizon 24
  lstm train runs/load
  lstm evaluate runs/load
  lstm quantize runs/load
  lstm predict runs/load -o runs/forecast.csv

\b
'lstm help VERB' explains a command and its options.
Each option may also come from the environment (LSTM_TRAIN_EPOCHS=20) or from
a file (--config lstm.toml with a table [train]); a flag goes before both.
LSTM_QUIET=1 and LSTM_LOG_FORMAT=json apply to all commands.
A step that has nothing new to do says so and ends; --force runs it anyhow.
Exit codes: 0 done, 1 a bug, 2 usage, 3 the data, 4 an artifact, 5 not good
enough, 6 locked, 7 device or memory."""
COMPLETE = "_LSTM_COMPLETE"  # the shell's question, in Typer's convention
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """What is learnt of the options while Typer parses a command line."""

    origins: dict[str, str] = field(default_factory=dict)  # by flag: the variable or file line that set it
    notes: list[str] = field(default_factory=list)  # on old names, for stderr


class VerbCommand(TyperCommand):
    """A verb whose help lists its options by their panel, as plain text: quick, and the same in a pipe."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                panels.setdefault(_panel(param), []).append(record)
        common = panels.pop(COMMON, [])  # they come last
        for title, records in [*panels.items(), (COMMON, common)]:
            with formatter.section(title):
                formatter.write_dl(records)


class VerbGroup(TyperGroup):
    """The verbs, whose list tells the whole first line of each one's help: Typer would cut it to fit."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _panel(param: Any) -> str:
    if param.param_type_name == "argument":
        return "Arguments"
    if param.name == "help":
        return COMMON
    return param.rich_help_panel or "Options"


def find_verb(argv: Sequence[str]) -> str:
    """Return the verb of a command line; "" where it begins with an option or an unknown word."""
    return argv[0] if argv and argv[0] in VERBS else ""


def parse(argv: Sequence[str]) -> Work | None:
    """Check a command line; None where it was answered right here (--help, --version, completion).

    Raises UsageError, or Typer's own exceptions, for one that is wrong.
    """
    call = CommandLine()
    if argv and argv[0].startswith(("--show-completion=", "--install-completion=")):
        argv = [*argv[0].split("=", 1), *argv[1:]]
    argv = _asking_for_help(argv) if argv[:1] == ["help"] else argv
    verb = find_verb(argv)
    if argv[:1] in (["--show-completion"], ["--install-completion"]) and len(argv) > 1:
        _name_shell(*argv)
    if COMPLETE in os.environ:
        app, name, words = _group(whole=True), "lstm", list(argv)
    elif verb:
        app, name, words = _alone(verb), f"lstm {verb}", _by_new_names(verb, argv[1:], call)
    else:
        _refuse_unknown(argv)
        app, name, words = _group(whole=False), "lstm", list(argv)
    try:
        outcome = app(args=words, prog_name=name, standalone_mode=False, obj=call)
    except UsageError as error:
        if error.flag in call.origins:
            error.message += f" (set by {call.origins[error.flag]})"
        raise
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    if isinstance(outcome, int) and outcome:  # Typer's way to hand over the code of an Exit
        raise SystemExit(outcome)
    for note in call.notes:
        print_note(note)
    return outcome if callable(outcome) else None


def _asking_for_help(argv: Sequence[str]) -> Sequence[str]:
    """Return `lstm VERB --help` for `lstm help VERB`. Raises UsageError for more words."""
    if len(argv) > 2:
        raise UsageError(f"'lstm help' explains one command, not '{' '.join(argv[1:])}'")
    return ["--help"] if argv[1:] == ["help"] else [*argv[1:], "--help"]


def _name_shell(flag: str, shell: str, *rest: str) -> None:
    """Ask for the completion of the shell that is named, as the shell itself would. Raises UsageError."""
    if flag == "--install-completion":
        raise UsageError(
            "--install-completion takes no value: it is for the shell that runs it",
            hint=f"add what 'lstm --show-completion {shell}' prints to the start-up file of that shell",
            flag="--install-completion",
        )
    if rest or shell not in SHELLS:
        raise UsageError(
            f"--show-completion '{' '.join((shell, *rest))}' is none of {', '.join(SHELLS)}",
            hint=did_you_mean(shell, SHELLS) or "write 'lstm --show-completion zsh'",
            flag="--show-completion",
        )
    os.environ[COMPLETE] = f"source_{shell}"


def _by_new_names(verb: str, words: Sequence[str], call: CommandLine) -> list[str]:
    """Return the words of a verb with the flags of an earlier release by the names that they have now."""
    flags = (
        {flag_name(old): flag_name(new) for old, new in RENAMED.items()} if verb in ("train", "tune") else {}
    )
    found = []
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in flags:
            call.notes.append(renamed_note(flag, flags[flag]))
        found.append(f"{flags.get(flag, flag)}{equals}{value}")
    return found


def _alone(verb: str) -> typer.Typer:
    """One verb as the whole application: the others, and the layer above them, cost time at every start."""
    app = _new_app(completion=False)
    _add(app, verb)
    return app


def _group(*, whole: bool) -> typer.Typer:
    """`lstm` with all its verbs: whole, as completion needs them, or by name only, as `lstm --help` does."""
    app = _new_app(completion=True)
    app.callback(help=ABOUT, epilog=EPILOG)(_lstm)
    for verb, line in VERBS.items():
        if whole:
            _add(app, verb)
        else:
            app.command(verb, help=line, context_settings={"ignore_unknown_options": True})(_by_name_only)
    return app


def _new_app(*, completion: bool) -> typer.Typer:
    return typer.Typer(
        cls=VerbGroup,
        rich_markup_mode=None,  # plain help: fast, and the same in a pipe
        pretty_exceptions_enable=False,
        add_completion=completion,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _add(app: typer.Typer, verb: str) -> None:
    from lstm_cli.cli.options import with_stderr_options  # `lstm --help` does without

    module = import_module(f"lstm_cli.cli.commands.{verb}")
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    app.command(verb, cls=VerbCommand, epilog=f"\b\nExamples:\n{examples}")(
        with_stderr_options(getattr(module, verb))
    )


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lstm {__version__}")
        raise typer.Exit()


def _lstm(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and leave.",
            is_eager=True,
            callback=_print_version,
            show_default=False,
        ),
    ] = False,
) -> None:
    """Stands for `lstm` without a verb: its options act by themselves."""


def _by_name_only(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
    """Stands for a verb in the list of `lstm --help`."""
    raise UsageError("the command does not stand first", hint="put it right behind 'lstm'")


def _refuse_unknown(argv: Sequence[str]) -> None:
    if not argv:
        from contextlib import redirect_stdout

        with redirect_stdout(sys.stderr):
            _group(whole=False)(args=["--help"], prog_name="lstm", standalone_mode=False)
        raise UsageError("no command is given", hint="begin with 'lstm prepare DATA RUN'")
    if not argv[0].startswith("-"):
        raise UsageError(
            f"there is no command '{argv[0]}'",
            hint=did_you_mean(argv[0], VERBS) or f"the commands are {', '.join(VERBS)}",
        )
