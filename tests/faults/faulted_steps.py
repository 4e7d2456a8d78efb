"""Steps that the fault tests run: the run before the step, and its command line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faulty import LINEAR, copy_golden, copy_scorable, copy_two_models

PREPARE = ["--series", "shop", "--target", "sales", "--past", "price", "--future", "promo", "--horizon", "7"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """Command line, and the run before it."""

    name: str
    before: Callable[[Path], object]  # makes the run before the step
    argv: Callable[[Path, Path], list[object]]  # from the paths of data and run
    order: tuple[str, ...] = ()  # artifacts of a step with several commits, in their order
    options: dict[str, Any] = field(default_factory=dict)  # of the zygote


def no_run(to: Path) -> None:
    """Make no run."""


STEPS = (
    Step(
        name="prepare",
        before=lambda run: copy_golden(run),  # has a shorter lookback, so its model is stale afterwards
        argv=lambda data, run: ["prepare", data, run, *PREPARE, "--lookback", "21"],
    ),
    Step(
        name="first prepare",
        before=no_run,
        argv=lambda data, run: ["prepare", data, run, *PREPARE, "--lookback", "14"],
    ),
    Step(name="train", before=copy_golden, argv=lambda data, run: ["train", run, *LINEAR]),
    Step(
        name="evaluate",
        before=copy_golden,
        argv=lambda data, run: ["evaluate", run, "--threads", "1"],
    ),
    Step(
        name="quantize",
        before=lambda run: copy_golden(run, "quantize"),
        argv=lambda data, run: ["quantize", run, "--max-loss", "1000%"],
    ),
    Step(
        name="rollback",
        before=copy_two_models,
        argv=lambda data, run: ["history", run, "--rollback", "1"],
    ),
    Step(
        name="predict",
        before=copy_golden,
        argv=lambda data, run: ["predict", run, "--threads", "1", "-o", run.parent / "forecast.csv"],
    ),
    Step(
        name="predict --record",
        before=copy_golden,
        argv=lambda data, run: [*BY_NAME["predict"].argv(data, run), "--record"],
    ),
    Step(name="score", before=copy_scorable, argv=lambda data, run: ["score", run]),
    Step(
        name="refresh",
        before=lambda run: copy_golden(run, "quantize", "tune"),
        argv=lambda data, run: ["refresh", run, data, "--always", "-o", run.parent / "forecast.csv"],
        order=("data", "model", "scores"),
        options={"replaces": True},
    ),
)
BY_NAME = {step.name: step for step in STEPS}
