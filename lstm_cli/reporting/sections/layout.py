"""Building blocks of the sections: section, figure, table, legend and key figure."""

import re
from collections.abc import Sequence

from lstm_cli.reporting.markup import Child, Html, element, join

SWATCHES = {  # what a legend shows for each kind of mark: a line or a filled box
    "measured": "line",
    "model": "line",
    "baseline": "line",
    "val-loss": "line",
    "band95": "area",
    "band80": "area",
}


def prose(text: str) -> str:
    """Return a sentence with minus signs, in which a number and its percent sign stay on one line."""
    return re.sub(r"(?<![\w-])-(?=\d)", "\u2212", text).replace(" %", "\u00a0%")


def section(name: str, title: str, note: Child, *content: Child) -> Html:
    """Return a section with its title and a note at the side.

    Args:
        name: id of the section.
        title: heading.
        note: what the section shows, in one or two sentences.
        content: figures and tables.
    """
    side = element(
        "div",
        {"class": "side"},
        element("h2", {}, title),
        element("p", {}, prose(note) if isinstance(note, str) else note) if note else None,
    )
    return element("section", {"id": name}, side, element("div", {"class": "main"}, *content))


def figure(title: Child, *content: Child, note: Child = None) -> Html:
    """Return a figure with its title above it.

    Args:
        title: heading of the figure.
        content: chart.
        note: sentence below the title.
    """
    caption = element(
        "figcaption", {}, element("h3", {}, title), element("p", {"class": "note"}, note) if note else None
    )
    return element("figure", {"class": "figure"}, caption, *content)


def live_chart(name: str, static: Html) -> Html:
    """Return a chart that the script of the page replaces by one with zoom and values.

    Args:
        name: id of its data.
        static: chart for paper, and for browsers without scripts.
    """
    return join(
        element("div", {"class": "plot", "data-chart": name}, static),
        element("p", {"class": "readout", "aria-live": "polite"}),
    )


def grid(*figures: Html | None) -> Html:
    """Return figures next to each other where the page is wide enough: three of them in one row, else two."""
    columns = 3 if len([item for item in figures if item is not None]) == 3 else 2
    return element("div", {"class": f"grid columns-{columns}"}, *figures)


def legend(*entries: tuple[str, str]) -> Html:
    """Return a legend: the kind of each mark and its name."""
    items = [element("li", {}, swatch(kind), name) for kind, name in entries]
    return element("ul", {"class": "legend"}, *items)


def swatch(kind: str) -> Html:
    """Return the symbol of a kind of mark."""
    if SWATCHES[kind] == "area":
        shape = element("rect", {"class": f"area {kind}", "width": 22, "height": 12})
    else:
        shape = element("path", {"class": f"line {kind}", "d": "M0 6H22"})
    return element("svg", {"class": "swatch", "width": 22, "height": 12, "aria-hidden": "true"}, shape)


def table(
    caption: str,
    header: Sequence[Child],
    rows: Sequence[Sequence[Child]],
    *,
    text_columns: int = 1,
    best: Sequence[int] = (),
) -> Html:
    """Return a table that scrolls on its own if the page is narrow.

    Args:
        caption: description, which is not shown but read out.
        header: title of each column.
        rows: cells; the first of a row is its heading.
        text_columns: columns of text at the left; the others hold numbers.
        best: index of the row to mark, for each column after the first; -1 marks none.
    """

    def kind(column: int) -> str | None:
        return "n" if column >= text_columns else None

    head = element(
        "thead",
        {},
        element(
            "tr",
            {},
            *(
                element("th", {"scope": "col", "class": kind(index)}, cell)
                for index, cell in enumerate(header)
            ),
        ),
    )
    body = []
    for number, row in enumerate(rows):
        cells = [element("th", {"scope": "row"}, row[0])]
        for index, cell in enumerate(row[1:], start=1):
            marked = index - 1 < len(best) and best[index - 1] == number
            content = element("strong", {}, cell) if marked else cell
            cells.append(element("td", {"class": kind(index)}, content))
        body.append(element("tr", {}, *cells))
    return element(
        "div",
        {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": caption},
        element(
            "table",
            {},
            element("caption", {"class": "hidden"}, caption),
            head,
            element("tbody", {}, *body),
        ),
    )


def details(title: str, *content: Child) -> Html:
    """Return content that is shown when its title is clicked."""
    return element("details", {}, element("summary", {}, title), *content)
