"""OpenAPI document and HTML page of a served run, made from its description. It knows no HTTP library."""

from lstm_cli.serving.page.html_page import page_html, sign_in_html
from lstm_cli.serving.page.limits import ServerLimits
from lstm_cli.serving.page.openapi import openapi_document

__all__ = ["ServerLimits", "openapi_document", "page_html", "sign_in_html"]
