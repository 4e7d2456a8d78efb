"""Files of the page that the package holds: style sheet, script, and the library of the charts."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

STYLES = ("uPlot.min.css", "page.css")
SCRIPTS = ("uPlot.iife.min.js", "page.js")
LICENCE = "uPlot.LICENSE"


@cache
def asset(name: str) -> str:
    """Return the text of a file of the package."""
    return files("lstm_cli.reporting").joinpath("assets", name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    """Return the source expression of a content security policy that allows a script or style with this text."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
