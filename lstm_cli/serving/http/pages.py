"""Handlers of the page about the run, and of its OpenAPI document. Both are made once per version."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from lstm_cli.config.serve import ServeConfig
from lstm_cli.serving.http.application import Route
from lstm_cli.serving.http.loaded_model import LoadedModel
from lstm_cli.serving.http.request import Request, Response
from lstm_cli.serving.messages.http_error import HttpError
from lstm_cli.serving.messages.request_body import Receive
from lstm_cli.serving.messages.tokens import Tokens

if TYPE_CHECKING:
    from lstm_cli.serving.page import ServerLimits

HTML_TYPE = b"text/html; charset=utf-8"
SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-cache"),
)


class Pages:
    """Handlers of the routes for people.

    Args:
        config: settings of the server.
        tokens: tokens of clients.
    """

    def __init__(self, config: ServeConfig, tokens: Tokens) -> None:
        self._config, self._tokens = config, tokens

    def table(self) -> dict[str, Route]:
        """Return the route of each path."""
        return {
            "/openapi.json": Route(handlers={"GET": self.openapi}),
            "/": Route(handlers={"GET": self.page}, is_open=True),
        }

    async def openapi(self, request: Request, receive: Receive) -> Response:
        """Answer the OpenAPI document."""
        return Response(body=self._made("openapi", request.loaded, self._openapi), headers=SAFE)

    async def page(self, request: Request, receive: Receive) -> Response:
        """Answer the page, or without a token a page that asks for one: a browser cannot send the token itself."""
        try:
            self._tokens.require(request.headers.get(b"authorization"))
        except HttpError as error:
            if b"text/html" not in request.headers.get(b"accept", b""):
                raise
            from lstm_cli.serving.page import sign_in_html

            return Response(error.status, sign_in_html(), HTML_TYPE, headers=(*error.headers, *SAFE))
        return Response(
            body=self._made("page", request.loaded, self._page), content_type=HTML_TYPE, headers=SAFE
        )

    def _made(self, name: str, loaded: LoadedModel, make: Callable[[LoadedModel], bytes]) -> bytes:
        if name not in loaded.pages:
            loaded.pages[name] = make(loaded)
        return loaded.pages[name]

    def _openapi(self, loaded: LoadedModel) -> bytes:
        from lstm_cli.serving.page.tasks import PAGES

        pages = PAGES[loaded.model.service.task]
        document = pages.openapi(loaded.model.describe(), self._limits())
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"

    def _page(self, loaded: LoadedModel) -> bytes:
        from lstm_cli.serving.page.tasks import PAGES

        return PAGES[loaded.model.service.task].html(loaded.model.describe(), self._limits())

    def _limits(self) -> "ServerLimits":
        from lstm_cli.serving.page import ServerLimits

        config = self._config
        return ServerLimits(
            max_body=config.max_body, timeout=config.timeout, needs_token=config.token_file is not None
        )
