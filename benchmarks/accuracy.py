"""Accuracy of the defaults, measured through the command line and compared with published figures.

.venv/bin/python benchmarks/accuracy.py --etth1 --m4 FOLDER
.venv/bin/python benchmarks/accuracy.py --etth1 --horizons 96 --effort fast default best
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --group look --runs RUNS
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --group all --prepare-only
.venv/bin/python benchmarks/accuracy.py --sets FOLDER --covariates
.venv/bin/python benchmarks/accuracy.py --planted --seeds 0 1 2
.venv/bin/python benchmarks/accuracy.py --gift FOLDER --seeds 0

--m4 takes a folder with m4_hourly_train.csv and m4_hourly_test.csv. --sets takes a folder that datasets.py wrote.
--gift takes a folder with those two files, ETTh1.csv and gift_eval.csv.
Tables are Markdown, and each row is printed when it is measured. A row that fails prints its error, and the script
continues. The exit code is then 1.
"""

import argparse
import shlex
import sys
from pathlib import Path

import on_covariates
import on_etth1
import on_gift
import on_m4
import on_sets
import published
from command import AS_IT_IS, Choice, Notebook


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_argument_group("data")
    what.add_argument("--etth1", action="store_true", help="ETTh1 of sample_data")
    what.add_argument(
        "--horizons", type=int, nargs="+", default=list(published.HORIZONS), help="horizons of ETTh1"
    )
    what.add_argument("--m4", type=Path, metavar="FOLDER", help="M4 hourly")
    what.add_argument("--sets", type=Path, metavar="FOLDER", help="collected sets")
    what.add_argument("--group", choices=("look", "closed", "all"), default="look", help="group of sets")
    what.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names of sets in the group, files of --planted, or data sets of --gift such as etth1_48",
    )
    what.add_argument("--runs", type=Path, metavar="FOLDER", help="keep the run directories of --sets there")
    what.add_argument("--prepare-only", action="store_true", help="prepare the sets, train nothing")
    what.add_argument("--covariates", action="store_true", help="the sets with and without covariates")
    what.add_argument(
        "--planted", action="store_true", help="words, static columns and holidays, with and without effects"
    )
    what.add_argument(
        "--gift", type=Path, metavar="FOLDER", help="GIFT-Eval, compared with pretrained models"
    )
    how = parser.add_argument_group("training")
    how.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    how.add_argument("--effort", nargs="+", choices=("fast", "default", "best"), default=[AS_IT_IS])
    how.add_argument(
        "--refit",
        nargs="+",
        choices=("as-it-is", "refit", "no-refit"),
        help="default: refit and no-refit for ETTh1, as-it-is otherwise",
    )
    how.add_argument("--threads", type=int, help="CPU threads of each command")
    how.add_argument("--train", default="", metavar="'WORDS'", help="more options of lstm train")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    if not (options.etth1 or options.m4 or options.sets or options.planted or options.gift):
        parser.error("nothing to run: --etth1, --m4 FOLDER, --sets FOLDER, --planted or --gift FOLDER")
    return options


def choices(options: argparse.Namespace, refits: list[str]) -> list[Choice]:
    """Return each effort with each refit, in the given order."""
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
    options = parse_arguments(words)
    notebook = Notebook(options.record)
    plain = choices(options, options.refit or [AS_IT_IS])
    if options.etth1:
        both = choices(options, options.refit or ["refit", "no-refit"])
        on_etth1.run(notebook, options.horizons, options.seeds, both)
    if options.m4:
        on_m4.run(notebook, options.m4, options.seeds, plain)
    if options.planted:
        for choice in plain:
            on_covariates.run(notebook, options.seeds, choice, options.only)
    if options.gift:
        try:
            data_sets = on_gift.chosen(options.only)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        on_gift.run(notebook, options.gift, data_sets, options.seeds, plain)
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
            on_sets.run(notebook, options.sets, sets, options.seeds, plain, options.runs)
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
