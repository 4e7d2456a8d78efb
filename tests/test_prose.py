"""Tests of the prose rules of CONTRIBUTING.md: docstrings, `Args:` sections, and words that are not used."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("lstm_cli", "tests", "benchmarks", "recipes")
GOLDEN = ("tests/golden/", "tests/rundir/golden/")  # written by an earlier release
TEXTS = (
    "*.md",
    "docs/**/*.md",
    "benchmarks/*.md",
    "recipes/**/*.md",
    "sample_data/*.md",
    "Makefile",
    "*.toml",
)

NOT_FIRST = {"The", "What", "Whether", "How", "Those", "Of", "All"}
# A docstring of a test states a fact, so it may begin with one of these. In the package none does.
NOT_FIRST_IN_PACKAGE = NOT_FIRST | {"A", "An", "Each", "Every", "Where", "Which", "One", "No", "When"}
MOST_WITHOUT_ARGS = 2  # parameters that need no section
SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Note|Example)s?:$")

# Each phrase is always wrong, see the table in CONTRIBUTING.md. "|" separates the forms of one word.
PHRASES = (
    "told",
    "anew",
    "likewise",
    "beside",
    "although|anyhow|nevertheless",
    "at the most",
    "so many",
    "tells nothing|tell nothing",
    "its bytes are not|whose bytes are not|made from other bytes",
    "does not suffice|do not suffice|suffices",
    "drawn by chance|left to chance",
    "got no better",
    "gives the target away|give the target away",
    "doubled rows|doubled times",
    "cells have no value|cell has no value|cells without a value|cell without a value",
    "the simple forecasts",
    "what is there|what was there|there now",
    "is heard|are heard",
    "far from what stands",
    "steps apart",
)
BLANK = r"[ \n]+(?:# )?"  # between two words, also where a comment is continued
FORMS = (form.replace(" ", BLANK) for phrase in PHRASES for form in phrase.split("|"))
WRONG = re.compile(rf"\b(?:{'|'.join(FORMS)})\b", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> tuple[tuple[Path, str, ast.Module], ...]:
    """Return the path, text and tree of every Python file, without those of an earlier release."""
    paths = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    ours = [path for path in paths if ".venv" not in path.parts and not name_of(path).startswith(GOLDEN)]
    texts = [(path, path.read_text(encoding="utf-8")) for path in ours]
    return tuple((path, text, ast.parse(text, filename=str(path))) for path, text in texts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def wrong_beginnings(tree: ast.Module, words: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the line and the first word of each docstring that begins with one of these words."""
    for line, text in docstrings(tree):
        first = re.match(r"\w+", text)
        if first is not None and first[0] in words:
            yield line, first[0]


def public_functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Yield each public function and method, and whether its first parameter is `self` or `cls`."""

    def within(body: Sequence[ast.stmt], *, is_class: bool) -> Iterator[tuple[Function, bool]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from within(node.body, is_class=True)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
                if "overload" not in marks:
                    yield node, is_class and "staticmethod" not in marks

    yield from within(tree.body, is_class=False)


def parameters(function: Function, *, bound: bool) -> list[str]:
    """Return the names of the parameters, without `self` and `cls`."""
    taken = function.args
    names = [item.arg for item in (*taken.posonlyargs, *taken.args)][int(bound) :]
    names += [item.arg for item in (taken.vararg, *taken.kwonlyargs, taken.kwarg) if item is not None]
    return names


def documented(docstring: str) -> set[str] | None:
    """Return the parameters that the section `Args:` names; None without this section."""
    lines = docstring.splitlines()
    if "Args:" not in lines:
        return None
    names = set()
    for line in lines[lines.index("Args:") + 1 :]:
        if SECTION.match(line):
            break
        result = re.match(r" {4}\*{0,2}(\w+)(?: \([^)]*\))?: \S", line)
        if result is not None:
            names.add(result[1])
    return names


def missing_arguments(tree: ast.Module, command: str = "") -> Iterator[tuple[int, str]]:
    """Yield the line of each function that lacks `Args:` or a parameter in it, and what is missing.

    Args:
        tree: the module.
        command: the name of a Typer command in the module; its parameters are options.
    """
    for function, bound in public_functions(tree):
        names, docstring = parameters(function, bound=bound), ast.get_docstring(function)
        if len(names) <= MOST_WITHOUT_ARGS or docstring is None or function.name == command:
            continue
        result = documented(docstring)
        if result is None:
            yield function.lineno, f"{function.name}: no section Args"
        elif missing := [name for name in names if name not in result]:
            yield function.lineno, f"{function.name}: Args does not name {', '.join(missing)}"


def texts_of(source: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string literal, and of each block of comments."""
    lines = source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A text in three quotes keeps its line breaks. Any other one counts as one line.
            at = lines[node.lineno - 1].encode()[node.col_offset :].lstrip(b"rRbBfF")
            yield node.lineno, node.value if at.startswith((b'"""', b"'''")) else " ".join(node.value.split())
    begun, block = 0, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != begun + len(block):
            yield begun, "\n".join(block)
            begun, block = token.start[0], []
        block.append(token.string)
    yield begun, "\n".join(block)


def wrong_words(line: int, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of each wrong phrase of a text that begins at a line."""
    for result in WRONG.finditer(text):
        yield line + text.count("\n", 0, result.start()), " ".join(result[0].split())


def plain_texts() -> Iterator[tuple[Path, str]]:
    """Yield each file of documentation; of CONTRIBUTING.md without the table that lists the wrong words."""
    for pattern in TEXTS:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            if path.name == "CONTRIBUTING.md":
                text = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
            yield path, text


def listed(problems: Sequence[tuple[Path, int, str]]) -> str:
    """Return one line for each problem: file, line and what is wrong."""
    lines = [f"{name_of(path)}:{line}: {what}" for path, line, what in problems]
    return f"{len(lines)} problems, see CONTRIBUTING.md:\n" + "\n".join(lines)


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    problems = []
    for path, _, tree in sources():
        words = NOT_FIRST_IN_PACKAGE if name_of(path).startswith("lstm_cli/") else NOT_FIRST
        problems += [(path, *result) for result in wrong_beginnings(tree, words)]
    assert not problems, listed(problems)


def test_public_functions_document_their_parameters() -> None:
    problems = []
    for path, _, tree in sources():
        if name_of(path).startswith("lstm_cli/"):
            command = path.stem if path.parent.name == "commands" else ""
            problems += [(path, *result) for result in missing_arguments(tree, command)]
    assert not problems, listed(problems)


def test_old_words_do_not_occur() -> None:
    problems = []
    for path, source, tree in sources():
        if path == Path(__file__):
            continue
        for line, text in texts_of(source, tree):
            problems += [(path, *result) for result in wrong_words(line, text)]
    for path, text in plain_texts():
        problems += [(path, *result) for result in wrong_words(1, text)]
    assert not problems, listed(sorted(set(problems)))


@pytest.mark.parametrize(
    "source",
    [
        '"""The settings."""',
        'class A:\n    """What a test needs."""',
        'def f():\n    """Of all columns."""',
    ],
)
def test_a_wrong_beginning_is_detected(source: str) -> None:
    assert len(list(wrong_beginnings(ast.parse(source), NOT_FIRST))) == 1


ARGS = "Args:\n            a: first.\n            b: second.\n            c (int): third."


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('def f(a, b, c):\n    """Return a sum."""', 1),
        (
            'def f(a, b, *, c):\n    """Return a sum.\n\n    Args:\n        a: first.\n        b: second.\n    """',
            1,
        ),
        (f'def f(a, b, c):\n        """Return a sum.\n\n        {ARGS}\n        """', 0),
        (f'class A:\n    def f(self, a, b, c):\n        """Add.\n\n        {ARGS}\n        """', 0),
        ('class A:\n    def f(self, a, b):\n        """Add."""', 0),
        ('class _A:\n    def f(self, a, b, c):\n        """Add."""', 0),
        ('def _f(a, b, c):\n    """Return a sum."""', 0),
        ("def f(a, b, c):\n    return a", 0),
        ('@overload\ndef f(a, b, c):\n    """Return a sum."""', 0),
        ('def command(a, b, c):\n    """Train a model."""', 0),
    ],
)
def test_a_missing_section_is_detected(source: str, count: int) -> None:
    assert len(list(missing_arguments(ast.parse(source), "command"))) == count


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\ny = f'{x} is told'", 2),
        ('"""Settings.\n\nThey are read\nanew.\n"""', 4),
        ('x = "so many at "\\\n    "the most"', 1),
        ("x = 1\n# it does not\n# suffice", 2),
    ],
)
def test_an_old_word_is_detected(source: str, line: int) -> None:
    result = [item for at, text in texts_of(source, ast.parse(source)) for item in wrong_words(at, text)]
    assert [at for at, _ in result][:1] == [line]


def test_names_of_code_are_not_words() -> None:
    source = "told = anew.beside(told_twice=1)\nkeys = {'told_twice': told}"
    assert [item for at, text in texts_of(source, ast.parse(source)) for item in wrong_words(at, text)] == []
