"""How well the defaults forecast, through the command line alone, beside what others have printed.

.venv/bin/python benchmarks/accuracy.py --etth1 --m4 FOLDER
.venv/bin/python benchmarks/accuracy.py --etth1 --horizons 96 --effort fast default best
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --group look
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --group all --prepare-only
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --covariates

--m4 takes a folder that holds m4_hourly_train.csv and m4_hourly_test.csv; --sets one that datasets.py wrote. Tables
are Markdown, each row as soon as it is known; what fails becomes a row and the rest goes on (exit code 1).
"""

import argparse
import shlex
import sys
from pathlib import Path

import on_etth1
import on_m4
import on_sets
import published
from command import AS_IT_IS, Choice, Notebook


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_argument_group("what is run")
    what.add_argument("--etth1", action="store_true")
    what.add_argument("--horizons", type=int, nargs="+", default=list(published.HORIZONS), help="of ETTh1")
    what.add_argument("--m4", type=Path, metavar="FOLDER")
    what.add_argument("--sets", type=Path, metavar="FOLDER")
    what.add_argument("--group", choices=("look", "closed", "all"), default="look", help="of the sets")
    what.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these sets of the group")
    what.add_argument("--prepare-only", action="store_true", help="of the sets: nothing is trained")
    what.add_argument("--covariates", action="store_true", help="of the sets: with and without them")
    how = parser.add_argument_group("how it is trained")
    how.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    how.add_argument("--effort", nargs="+", choices=("fast", "default", "best"), default=[AS_IT_IS])
    how.add_argument(
        "--refit",
        nargs="+",
        choices=("as-it-is", "refit", "no-refit"),
        help="default: refit and no-refit for ETTh1, as it is elsewhere",
    )
    how.add_argument("--threads", type=int, help="CPU threads of each command")
    how.add_argument("--train", default="", metavar="'WORDS'", help="further options of lstm train")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    if not (options.etth1 or options.m4 or options.sets):
        parser.error("nothing to run: --etth1, --m4 FOLDER or --sets FOLDER")
    return options


def choices(options: argparse.Namespace, refits: list[str]) -> list[Choice]:
    """Every effort with every refit, in the order given."""
    return [
        Choice(
            effort=effort,
            refit=refit.replace("as-it-is", AS_IT_IS),
            further=tuple(shlex.split(options.train)),
            threads=options.threads,
        )
        for effort in options.effort
        for refit in refits
    ]


def main(words: list[str] | None = None) -> int:
    options = parsed(words)
    notebook = Notebook(options.record)
    plain = choices(options, options.refit or [AS_IT_IS])
    if options.etth1:
        both = choices(options, options.refit or ["refit", "no-refit"])
        on_etth1.run(notebook, options.horizons, options.seeds, both)
    if options.m4:
        on_m4.run(notebook, options.m4, options.seeds, plain)
    if options.sets:
        try:
            sets = on_sets.listed(options.sets, options.group, options.only)
        except (OSError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        if options.prepare_only:
            on_sets.prepare_each(notebook, options.sets, sets)
        elif options.covariates:
            for choice in plain:
                on_sets.with_covariates(notebook, options.sets, sets, options.seeds, choice)
        else:
            on_sets.run(notebook, options.sets, sets, options.seeds, plain)
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
