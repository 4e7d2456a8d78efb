"""Pages of each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_cli.serving.page.classify_openapi import classify_document
from lstm_cli.serving.page.classify_page import classify_html
from lstm_cli.serving.page.html_page import page_html
from lstm_cli.serving.page.limits import ServerLimits
from lstm_cli.serving.page.openapi import openapi_document
from lstm_cli.serving.service import CLASSES, FORECASTS


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Functions that make the pages from the description of a run."""

    openapi: Callable[[Any, ServerLimits], dict[str, Any]]
    html: Callable[[Any, ServerLimits], bytes]


PAGES: Mapping[str, Pages] = {
    FORECASTS.task: Pages(openapi=openapi_document, html=page_html),
    CLASSES.task: Pages(openapi=classify_document, html=classify_html),
}
