"""HTML document that loads nothing and runs only the scripts of this package."""

from collections.abc import Sequence

from lstm_cli.reporting.assets import LICENCE, asset, content_hash
from lstm_cli.reporting.markup import Child, Html, element, join


def html_document(
    title: str,
    *content: Child,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Html | None = None,
    connect: str = "",
) -> bytes:
    """Return a document as UTF-8, with uPlot if it has scripts.

    Args:
        title: title of the document.
        content: children of its body.
        styles: texts of its style sheets.
        scripts: texts of its scripts.
        data: JSON for the scripts, as an element.
        connect: sources that the scripts may call, in words of a content security policy; "" for none.
    """
    sheet = "\n".join(styles)
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element(
            "meta", {"http-equiv": "Content-Security-Policy", "content": policy(scripts, [sheet], connect)}
        ),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("title", {}, title),
        Html(f"<style>{sheet}</style>"),
    )
    body = element("body", {}, *content, data, *(Html(f"<script>{text}</script>") for text in scripts))
    licence = Html(f"<!-- uPlot is part of this page.\n{asset(LICENCE)}\n-->") if scripts else None
    page = join(Html("<!doctype html>\n"), licence, element("html", {"lang": "en"}, head, body))
    return (page.text + "\n").encode()


def policy(scripts: Sequence[str], styles: Sequence[str], connect: str = "") -> str:
    """Return the content security policy: nothing is loaded, and only these scripts and styles count.

    Args:
        scripts: texts of the scripts.
        styles: texts of the style sheets.
        connect: sources that the scripts may call; "" for none.
    """
    allowed_scripts, allowed_styles = (" ".join(map(content_hash, texts)) for texts in (scripts, styles))
    return (
        f"default-src 'none'; script-src {allowed_scripts}; style-src {allowed_styles}; "
        + (f"connect-src {connect}; " if connect else "")
        + "base-uri 'none'; form-action 'none'"
    )
