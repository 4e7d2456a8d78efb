"""Server in this process, without sockets: requests go to its ASGI application."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_model import FakeModel

from lstm_cli.config.serve import ServeConfig
from lstm_cli.serving.http.access_log import AccessLog
from lstm_cli.serving.http.application import Application
from lstm_cli.serving.http.batches import Batches
from lstm_cli.serving.http.loaded_model import LoadedModel, ModelReloader, signature_of
from lstm_cli.serving.http.metrics import Metrics
from lstm_cli.serving.http.pages import Pages
from lstm_cli.serving.http.routes import Routes
from lstm_cli.serving.messages.tokens import Tokens

JSON_BODY = {"content-type": "application/json"}


@dataclass
class Reply:
    """Answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """Parts of a server, for tests that change or count them."""

    app: Application
    models: ModelReloader
    routes: Routes
    metrics: Metrics
    printed: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def model(self) -> FakeModel:
        return self.models.current.model  # type: ignore[return-value]

    async def send(
        self,
        method: str,
        url: str,
        body: bytes | list[bytes | None] = b"",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Return the answer to a request. A part of the body that is None never arrives."""
        path, _, query = url.partition("?")
        parts = list(body) if isinstance(body, list) else [body]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            part = parts.pop(0) if parts else None
            if part is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def collect(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, collect)
        start, *bodies = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], names, b"".join(message["body"] for message in bodies))


def exchange(
    work: Callable[[Server], Awaitable[Any]],
    *,
    model: FakeModel | None = None,
    run: Path = Path("absent"),
    with_pages: bool = False,
    with_log: bool = False,
    **settings: Any,
) -> Any:
    """Return the result of `work`, which gets a server.

    Args:
        work: sends requests.
        model: model of the server.
        run: folder with the run.json of the fake.
        with_pages: whether the server has the page.
        with_log: whether requests are printed.
        **settings: settings of `lstm serve`.
    """

    async def main() -> Any:
        config = ServeConfig(**settings)
        printed: list[tuple[str, str, dict[str, Any]]] = []
        metrics = Metrics()
        executor = ThreadPoolExecutor(2)

        def print_line(event: str, text: str, facts: dict[str, Any]) -> None:
            printed.append((event, text, facts))

        def print_log(event: str, lines: Sequence[tuple[str, dict[str, Any]]]) -> None:
            printed.extend((event, *line) for line in lines)

        loaded = LoadedModel(model or FakeModel("1"), {"model": 0.0})  # type: ignore[arg-type]
        models = ModelReloader(
            run,
            loaded,
            signature_of(run),
            threads=None,
            metrics=metrics,
            print_line=print_line,
            executor=executor,
        )
        batches = Batches(max_windows=config.max_batch, max_waiting=config.queue, metrics=metrics)
        routes = Routes(
            config, batches=batches, metrics=metrics, executor=executor, service=loaded.model.service
        )
        log = AccessLog(print_log) if with_log else None
        tokens = Tokens(config.token_file)
        table = routes.table() | (Pages(config, tokens).table() if with_pages else {})
        app = Application(
            table,
            models=models,
            tokens=tokens,
            metrics=metrics,
            log=log,
            print_line=print_line,
            timeout=config.timeout,
        )
        try:
            return await work(Server(app, models, routes, metrics, printed))
        finally:
            if log is not None:
                log.close(300)
            batches.close()
            executor.shutdown(wait=False, cancel_futures=True)

    return asyncio.run(main())


def reply(
    method: str, url: str, body: Any = b"", headers: dict[str, str] | None = None, **options: Any
) -> Reply:
    """Return the answer of a new server to one request."""
    result: Reply = exchange(lambda server: server.send(method, url, body, headers), **options)
    return result
