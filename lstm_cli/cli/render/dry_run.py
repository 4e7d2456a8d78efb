"""`--dry-run`: what a verb would do, as a person reads it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lstm_cli.cli.app import Work
from lstm_cli.cli.stdio import print_line
from lstm_cli.system_memory import size_text

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.dry_run import DryRunPlan


def print_plan(make: "Callable[[Any], DryRunPlan]", *, as_json: bool) -> Work:
    """The work of a verb that is asked for its plan alone; make: from the room of plans to the plan."""

    def look() -> None:
        from lstm_cli.cli.render import page
        from lstm_cli.steps import dry_run as planning

        plan = make(planning)
        if as_json:
            page.print_json(plan)
        else:
            page.print_page(plan, plan_table)
        about = f"{plan.step} {plan.run}" if plan.run is not None else plan.step
        print_line("summary", f"{about}: dry run, nothing was done")

    return look


def plan_table(plan: "DryRunPlan", page: "Page") -> None:
    """What would be read and written, and what it takes."""
    facts = [("reads", _sized(read["path"], read["size"])) for read in plan.reads]
    if plan.up_to_date and not plan.writes:
        facts.append(("writes", "nothing: it is up to date, and --force would run it anyhow"))
    elif not plan.writes:
        facts.append(("writes", "nothing"))
    facts += [("writes", path) for path in plan.writes]
    if not plan.up_to_date and plan.seconds is not None:
        facts.append(("takes", f"{plan.seconds:,.1f} s, as the last time"))
    if not plan.up_to_date and plan.memory is not None and plan.memory["need"] is not None:
        have = plan.memory["have"]
        there = "" if have is None else f" of memory, {size_text(have)} are free"
        facts.append(("needs", f"some {size_text(plan.memory['need'])}{there}"))
    page.facts(facts)


def _sized(path: str, size: int | None) -> str:
    return path if size is None else f"{path} ({size_text(size)})"
