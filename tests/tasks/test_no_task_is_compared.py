"""Test that only `lstm_cli/tasks/` compares tasks: other modules look up what they need in a record or a table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_cli.tasks.records import TASKS

PACKAGE = Path(__file__).parents[2] / "lstm_cli"
RECORDS = {name.upper() for name in TASKS}


def compared_tasks(source: str) -> Iterator[int]:
    """Yield the line of each comparison or pattern with a task, or with the name of one."""
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.Compare) and any(map(is_task, [node.left, *node.comparators]))) or (
            isinstance(node, ast.Match) and is_task(node.subject)
        ):
            yield node.lineno


def is_task(node: ast.AST) -> bool:
    """Return whether a side of a comparison is a task, the name of a task, or a list of them."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(is_task, node.elts))
    if isinstance(node, ast.Attribute):
        return node.attr == "task" or node.attr in RECORDS or (node.attr == "name" and is_task(node.value))
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        asks = name == "getattr" and any(
            isinstance(each, ast.Constant) and each.value == "task" for each in node.args
        )
        return asks or name.split(".")[-1] in ("task_of", "stored_task", "settle_task")
    if isinstance(node, ast.Name):
        return node.id == "task" or node.id in RECORDS
    return isinstance(node, ast.Constant) and node.value in TASKS


# `task` and FORECAST name other things here.
OTHER_TASKS = {
    "cli/progress/progress_bar.py",
    "rundir/ledger/files.py",
    "serving/http/loaded_model.py",
    "steps/tune/trial.py",
}


def test_no_other_module_compares_tasks() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "tasks" and path.relative_to(PACKAGE).as_posix() not in OTHER_TASKS
        for line in compared_tasks(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'if task == "classify":\n    pass',
        "x = 1 if run.task is CLASSIFY else 2",
        'while report.task in ("forecast",):\n    pass',
        'if getattr(report, "task", None) != name:\n    pass',
        "if task_of(run) is other.name:\n    pass",
        'match task:\n    case "classify":\n        pass',
        "y = [x for x in z if records.FORECAST is not x]",
    ],
)
def test_a_comparison_is_detected(source: str) -> None:
    assert list(compared_tasks(source)) == [1]


def test_a_lookup_is_allowed() -> None:
    assert list(compared_tasks("work = WORK[task.name](run)\nother = WORK.get(report.task)")) == []
