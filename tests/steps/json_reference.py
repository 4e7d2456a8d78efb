"""Tables of docs/reference/json.md, and differences of reports from them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
ITEM = "[]"
ANY = "any"
SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@dataclass(kw_only=True)
class Node:
    """Key of a table, with the keys below it. `kind` is empty for a key without a row."""

    kind: str = ""
    nullable: bool = False
    absent: bool = False  # True: the key may be absent
    children: dict[str, "Node"] = field(default_factory=dict)

    def below(self, key: str) -> "Node | None":
        """Return the child of this name, or the placeholder child."""
        if key in self.children:
            return self.children[key]
        return next((child for name, child in self.children.items() if is_placeholder(name)), None)


def is_placeholder(name: str) -> bool:
    return re.fullmatch(r"[A-Z]+", name) is not None


@cache
def tables() -> dict[str, Node]:
    """Return the keys of each section of the page."""
    sections = re.split(r"^###? ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    result = {}
    for section in sections:
        title, _, text = section.partition("\n")
        rows = re.findall(r"^\| `(.+?)` \| (.+?) \|.*\|(.*)\|$", text, flags=re.MULTILINE)
        if rows:
            result[title] = _tree(rows)
    return result


def _tree(rows: list[tuple[str, str, str]]) -> Node:
    root = Node(kind="object")
    for path, kind, missing in rows:
        node = root
        for name in path.replace(ITEM, f".{ITEM}").split("."):
            node = node.children.setdefault(name, Node())
        node.kind = re.sub(r"\[(.+)\]\(#.+\)", r"\1", kind)
        node.nullable = "null:" in missing.lower()
        node.absent = "absent:" in missing.lower()
    return root


class Comparison:
    """Comparison of reports with a table of the page. It records the keys that reports had."""

    def __init__(self, section: str) -> None:
        self.section = section
        self.seen: set[str] = set()

    def problems(self, report: dict[str, Any]) -> Iterator[str]:
        """Yield the differences between the page and this report."""
        yield from self._compare(report, tables()[self.section], "")

    def unseen(self) -> Iterator[str]:
        """Yield the keys that no report had."""
        for path in _paths(tables()[self.section], ""):
            if path not in self.seen:
                yield f"{self.section}: '{path}' is documented, and no report of this test has it"

    def _compare(self, value: Any, node: Node, path: str) -> Iterator[str]:
        where = f"{self.section}: '{path}'"
        self.seen.add(path)
        if value is None:
            if not node.nullable:
                yield f"{where} is null, and the page does not say when"
        elif isinstance(value, dict) and node.kind != ANY:
            yield from self._compare_object(value, node, path)
        elif isinstance(value, list) and ITEM in node.children:
            for item in value:
                yield from self._compare(item, node.children[ITEM], path + ITEM)
        elif isinstance(value, list) and (kind := node.kind.removesuffix(ITEM)) in tables():
            for item in value:
                yield from self._compare(item, Node(kind=kind), path + ITEM)
        elif not _is_of(value, node.kind):
            yield f"{where} is {value!r:.40}, and the page says '{node.kind or 'a list or an object'}'"

    def _compare_object(self, value: dict[str, Any], node: Node, path: str) -> Iterator[str]:
        shared = tables().get(node.kind, Node())
        for key, item in value.items():
            child = node.below(key) or shared.below(key)
            name = next((name for name, other in node.children.items() if other is child), key)
            at = f"{path}.{name}" if path else name
            if child is None:
                yield f"{self.section}: '{at}' is not in docs/reference/json.md: add a row"
            else:
                yield from self._compare(item, child, at)
        for name, child in {**node.children, **shared.children}.items():
            if not (is_placeholder(name) or name in value or child.absent or name == ITEM):
                yield f"{self.section}: '{path}.{name}' is documented, and the report lacks it".replace(
                    "'.", "'"
                )


def _paths(node: Node, path: str) -> Iterator[str]:
    for name, child in node.children.items():
        at = path + ITEM if name == ITEM else f"{path}.{name}" if path else name
        yield at
        yield from _paths(child, at)


def _is_of(value: Any, kind: str) -> bool:
    if kind == ANY:
        return True
    if kind.endswith(ITEM):
        return isinstance(value, list) and all(_is_of(item, kind.removesuffix(ITEM)) for item in value)
    return isinstance(value, SCALARS.get(kind, ())) and (kind == "boolean" or not isinstance(value, bool))
