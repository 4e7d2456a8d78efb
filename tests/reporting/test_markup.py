"""Tests of the markup: no text of a file can become an element, an attribute or a script."""

from html.parser import HTMLParser

import pytest

from lstm_cli.reporting.markup import Html, element, isolate, join

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "<!-- -->",
    "]]>&lt;b&gt;&amp;",
    "a\u2028b\u2029c",
)


class Reader(HTMLParser):
    """Names of the elements, their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: Html) -> Reader:
    reader = Reader()
    reader.feed(markup.text)
    reader.close()
    return reader


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_text(text: str) -> None:
    found = read(element("p", {"aria-label": text, "class": text}, "before ", isolate(text), text))
    assert found.elements == [
        ("p", {"aria-label": text, "class": text}),
        ("bdi", {"class": "name"}),
    ]
    assert found.text == f"before {text}{text}"


def test_children_are_joined_in_order_and_none_is_left_out() -> None:
    assert (
        join("a", None, element("br", {}), element("b", {"id": None, "x": 1.5}, "c")).text
        == 'a<br><b x="1.5">c</b>'
    )


def test_characters_that_are_not_valid_in_html_are_replaced() -> None:
    broken = b"caf\xe9\x00\x1b[31m".decode("utf-8", "surrogateescape")
    text = element("p", {}, broken, "\ttab\nline").text
    assert text == "<p>caf?\ufffd\ufffd[31m\ttab\nline</p>"


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("script", {}),
        ("style", {}),
        ("p onclick=alert(1)", {}),
        ("p", {"onclick": "alert(1)"}),
        ("p", {"ONCLICK": "alert(1)"}),
        ("p", {"style": "color:red"}),
        ("p", {'x"><b': "1"}),
        ("a", {"href": "javascript:alert(1)"}),
        ("img", {"src": "https://example.org/x.png"}),
    ],
)
def test_what_could_run_or_load_something_is_refused(name: str, attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"not an element|not allowed"):
        element(name, attributes)


def test_a_link_within_the_page_is_allowed() -> None:
    assert element("a", {"href": "#data"}, "Data").text == '<a href="#data">Data</a>'
