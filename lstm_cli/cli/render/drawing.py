"""Drawing of `--plot -`, on a standard stream."""

import sys

from lstm_cli.cli.stdio import is_interactive, name_stdout_errors, print_drawing, terminal_width
from lstm_cli.plots.terminal import Terminal


def make_terminal(*, stdout_is_taken: bool) -> Terminal:
    """Return the terminal for a step. It has the width and the colors of the stream that the drawing goes to.

    Args:
        stdout_is_taken: standard output has rows or JSON, so the drawing goes to standard error.
    """
    stream = sys.stderr if stdout_is_taken else sys.stdout
    return Terminal(width=terminal_width(stream), colors=is_interactive(stream))


def print_drawings(terminal: Terminal, *, stdout_is_taken: bool) -> None:
    """Print what a step has drawn.

    Args:
        terminal: terminal of the step.
        stdout_is_taken: as for `make_terminal`.
    """
    for text in terminal.drawn:
        if stdout_is_taken:
            print_drawing(text)
        else:
            with name_stdout_errors():
                sys.stdout.write(text)
