"""Which artifacts were made from bytes that are others now, and in which order they are renewed."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lstm_cli.rundir import manifest
from lstm_cli.rundir.artifacts import ARTIFACTS

if TYPE_CHECKING:
    from lstm_cli.rundir.reading import Run


def causes(run: "Run", name: str) -> tuple[str, ...]:
    """The artifacts that `name` was made from, directly or not, whose bytes are others now; each once."""
    return tuple(dict.fromkeys(_causes(run, name, set())))


def sources_first(run: "Run", name: str) -> list[str]:
    """`name` and all it was made from, each after its own sources."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(artifact: str) -> None:
        if artifact in seen or not run.has(artifact):
            return
        seen.add(artifact)
        for other, _ in _read(run, artifact):
            visit(other)
        order.append(artifact)

    visit(name)
    return order


def _causes(run: "Run", name: str, seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for other, fact in _read(run, name):
        if differs(run, other, fact):
            yield other
        if not was_absent(fact):
            yield from _causes(run, other, seen)


def differs(run: "Run", name: str, fact: Mapping[str, Any]) -> bool:
    """Return whether an artifact is another than the one that a step read, which `fact` records.

    A step that found none would find another one only once there is one that is not stale.
    """
    if was_absent(fact):
        return run.has(name) and not causes(run, name)
    return bool(run.digest(name) != fact["sha256"])


def was_absent(fact: Mapping[str, Any]) -> bool:
    """Return whether a step looked for an artifact and found none."""
    return bool(fact["sha256"] == manifest.NOTHING)


def _read(run: "Run", name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(other, fact) for other, fact in run.entry_of(name).get("read", {}).items() if other in ARTIFACTS]
