"""Plan of --dry-run as text."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lstm_cli.cli.app import Work
from lstm_cli.cli.stdio import print_line
from lstm_cli.system_memory import size_text

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.dry_run import DryRunPlan


def print_plan(make: "Callable[[Any], DryRunPlan]", *, as_json: bool) -> Work:
    """Return the work of a verb with --dry-run; `make` gets the module steps.dry_run and returns the plan."""

    def print_dry_run() -> None:
        from lstm_cli.cli.render import page
        from lstm_cli.steps import dry_run as planning

        plan = make(planning)
        if as_json:
            page.print_json(plan)
        else:
            page.print_page(plan, plan_table)
        about = f"{plan.step} {plan.run}" if plan.run is not None else plan.step
        print_line("summary", f"{about}: dry run, nothing was done")

    return print_dry_run


def plan_table(plan: "DryRunPlan", page: "Page") -> None:
    """Print the files that would be read and written, and the time and memory needed."""
    facts = [("reads", _path_with_size(read["path"], read["size"])) for read in plan.reads]
    if plan.up_to_date and not plan.writes:
        facts.append(("writes", "nothing (up to date; use --force to run anyway)"))
    elif not plan.writes:
        facts.append(("writes", "nothing"))
    facts += [("writes", path) for path in plan.writes]
    if not plan.up_to_date and plan.seconds is not None:
        facts.append(("time", f"about {plan.seconds:,.1f} s (as in the last run)"))
    if not plan.up_to_date and plan.memory is not None and plan.memory["need"] is not None:
        have = plan.memory["have"]
        free = "" if have is None else f" ({size_text(have)} free)"
        facts.append(("memory", f"about {size_text(plan.memory['need'])}{free}"))
    page.facts(facts)


def _path_with_size(path: str, size: int | None) -> str:
    return path if size is None else f"{path} ({size_text(size)})"
