"""The verbs as a Typer application, built for the command line at hand: it loads the verb that is named."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from lstm_cli import __version__
from lstm_cli.config.sources import nearest
from lstm_cli.errors import UsageError

Work = Callable[[], None]
"""What a command line asks for, once it has been found right."""

# The first line of each verb's help, once more, so that `lstm --help` loads no verb (a test compares them).
VERBS = {
    "check": "Look at a table of measurements, and tell what is in it and what is wrong with it.",
    "prepare": "Read a table of measurements and make a run directory of it.",
    "train": "Train a model on the data of a run.",
    "tune": "Search the settings of train, and make the best the run's model.",
    "evaluate": "Score a trained model beside the simple forecasts.",
    "quantize": "Make a smaller model and compare it with the trained one.",
    "predict": "Forecast the steps after the last row.",
    "export": "Write the model or its windows as a file for another program.",
    "verify": "Check every file of a run, and name the command that mends it.",
    "config": "Show the settings of a run and where each came from.",
}
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
Each option may also come from the environment (LSTM_TRAIN_EPOCHS=20) or from
a file (--config lstm.toml with a table [train]); a flag goes before both.
A step that has nothing new to do says so and ends; --force runs it anyhow.
Exit codes: 0 done, 1 a bug, 2 usage, 3 the data, 4 an artifact, 5 not good
enough, 6 locked, 7 device or memory."""
COMPLETE = "_LSTM_COMPLETE"  # the shell's question, in Typer's convention


def find_verb(argv: Sequence[str]) -> str:
    """The verb that a command line begins with; "" where it begins with an option or an unknown word."""
    return argv[0] if argv and argv[0] in VERBS else ""


def parse(argv: Sequence[str]) -> Work | None:
    """Check a command line; None where it was answered right here (--help, --version, completion).

    Raises UsageError, or Typer's own exceptions, for one that is wrong.
    """
    origins: dict[str, str] = {}  # by flag: the variable or file line that set it; filled while Typer parses
    verb = find_verb(argv)
    if COMPLETE in os.environ:
        app, name, words = _group(whole=True), "lstm", list(argv)
    elif verb:
        app, name, words = _alone(verb), f"lstm {verb}", list(argv[1:])
    else:
        _refuse_unknown(argv)
        app, name, words = _group(whole=False), "lstm", list(argv)
    try:
        outcome = app(args=words, prog_name=name, standalone_mode=False, obj=origins)
    except UsageError as error:
        for flag, origin in origins.items():
            if error.message.startswith(f"{flag} "):
                error.message += f" (set by {origin})"
        raise
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    if isinstance(outcome, int) and outcome:  # Typer's way to hand over the code of an Exit
        raise SystemExit(outcome)
    return outcome if callable(outcome) else None


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
        rich_markup_mode=None,  # plain help: fast, and the same in a pipe
        pretty_exceptions_enable=False,
        add_completion=completion,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _add(app: typer.Typer, verb: str) -> None:
    from lstm_cli.cli.options import heard  # which reads the verbs' names from here

    module = import_module(f"lstm_cli.cli.{verb}")
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    app.command(verb, epilog=f"\b\nExamples:\n{examples}")(heard(getattr(module, verb)))


def _tell_version(asked: bool) -> None:
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
            callback=_tell_version,
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
            hint=nearest(argv[0], list(VERBS)) or f"the commands are {', '.join(VERBS)}",
        )
