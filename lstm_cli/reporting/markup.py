"""HTML and SVG as values. All text and all attributes are escaped, so that no name of a file can become markup."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

VOID_ELEMENTS = ("br", "hr", "input", "meta")  # elements without an end tag
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]*")
# A browser does not show these, and some of them are not valid in HTML: control characters but tab and newline.
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}


@dataclass(frozen=True)
class Html:
    """Markup. Only this module and `page.py`, for scripts and styles of the package, make it from text."""

    text: str


Child = Html | str | None
Attributes = Mapping[str, str | int | float | None]


def element(name: str, attributes: Attributes, *children: Child) -> Html:
    """Return an element of HTML or SVG.

    Args:
        name: name of the element.
        attributes: its attributes; None leaves one out. The security policy of the page forbids styles and handlers.
        children: its content; a text is escaped, and None is left out.

    Raises:
        ValueError: a name is invalid, or an attribute could run code or load something.

    >>> element("p", {"class": "note"}, "a < b", element("br", {})).text
    '<p class="note">a &lt; b<br></p>'
    """
    if not _NAME.fullmatch(name) or name in ("script", "style"):
        raise ValueError(f"'{name}' is not an element of a page")
    written = "".join(
        f' {key}="{_escape(_checked(key, value))}"' for key, value in attributes.items() if value is not None
    )
    if name in VOID_ELEMENTS:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children).text}</{name}>")


def join(*children: Child) -> Html:
    """Return several children one after another."""
    parts = (
        child.text if isinstance(child, Html) else _escape(child) for child in children if child is not None
    )
    return Html("".join(parts))


def isolate(name: str) -> Html:
    """Return a name from a file, kept apart from the text around it if it is written from right to left."""
    return element("bdi", {"class": "name"}, name)


def _checked(key: str, value: str | int | float) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    lower = key.lower()
    if not _NAME.fullmatch(key) or lower == "style" or lower.startswith("on"):
        raise ValueError(f"the attribute '{key}' is not allowed")
    if lower in ("href", "src", "xlink:href") and not text.startswith("#"):
        raise ValueError(f"the page loads nothing, so {key}='{text}' is not allowed")
    return text


def _escape(text: str) -> str:
    valid = text.encode("utf-8", "replace").decode()  # a path can hold bytes that are not UTF-8
    return html.escape(valid.translate(_CONTROLS))
