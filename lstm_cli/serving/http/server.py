"""Server: uvicorn in an event loop of its own, its signals, its start and its end."""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
import uvloop

from lstm_cli.config.serve import ServeConfig
from lstm_cli.errors import OutputError
from lstm_cli.serving.http.access_log import AccessLog, PrintLines
from lstm_cli.serving.http.application import Application
from lstm_cli.serving.http.batches import Batches
from lstm_cli.serving.http.loaded_model import LoadedModel, ModelReloader, Print, Signature
from lstm_cli.serving.http.metrics import Metrics
from lstm_cli.serving.http.notify import notify
from lstm_cli.serving.http.pages import Pages
from lstm_cli.serving.http.protocol import IDLE_SECONDS, LimitedConnection, raise_connection_limit
from lstm_cli.serving.http.routes import Routes
from lstm_cli.serving.http.sockets import BACKLOG, url_of
from lstm_cli.serving.messages.tokens import Tokens
from lstm_cli.serving.report import ServeReport

DRAIN_SECONDS = 1.0  # at the end, for clients that keep a connection: each gets an answer that closes it
NEW_SECONDS = 1.0  # at the end, for the request of a connection that was just opened
LOG_SECONDS = 1.0  # for the last lines of the log
WARM_UP_AFTER = 0.5  # after the start; before, it would delay the first requests
TICK = 0.05
SWEEP = 1.0  # seconds between two searches for slow connections
STOPPING = (signal.SIGTERM, signal.SIGINT)


def run_server(
    run: Path,
    config: ServeConfig,
    sock: socket.socket,
    *,
    tokens: Tokens,
    loaded: LoadedModel,
    signature: Signature,
    print_line: Print,
    print_log: PrintLines | None,
) -> ServeReport:
    """Serve until a signal stops the server, and return what it did.

    Args:
        run: run directory.
        config: settings of the server.
        sock: socket that listens.
        tokens: tokens of clients.
        loaded: model at the start.
        signature: signature of the run from before the model was loaded.
        print_line: writes one line to stderr.
        print_log: writes the lines of requests to stderr; None: no log.
    """
    gc.freeze()  # the collection after a reload skips all libraries, so it takes milliseconds
    gc.enable()
    server = _Server(run, config, sock, tokens=tokens, print_line=print_line)
    previous = {signum: signal.getsignal(signum) for signum in (*STOPPING, signal.SIGHUP)}
    try:
        return uvloop.run(server.main(loaded, signature, print_log=print_log))
    finally:  # the loop has removed its own handlers
        for signum, handler in previous.items():
            signal.signal(signum, handler)


class _Uvicorn(uvicorn.Server):
    """Server of uvicorn without handlers of signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Server:
    """Parts of the server that live as long as its event loop."""

    def __init__(
        self, run: Path, config: ServeConfig, sock: socket.socket, *, tokens: Tokens, print_line: Print
    ) -> None:
        self._run, self._config, self._sock = run, config, sock
        self._tokens, self._print = tokens, print_line
        self._signum: int | None = None

    async def main(
        self, loaded: LoadedModel, signature: Signature, *, print_log: PrintLines | None
    ) -> ServeReport:
        """Serve until a signal, and return the report."""
        loop = asyncio.get_running_loop()
        threads = self._threads = ThreadPoolExecutor(2, thread_name_prefix="rows")
        loading = ThreadPoolExecutor(1, thread_name_prefix="load")
        metrics = self._metrics = Metrics()
        self._models = ModelReloader(
            self._run,
            loaded,
            signature,
            threads=self._config.threads,
            metrics=metrics,
            print_line=self._print,
            executor=loading,
        )
        batches = Batches(max_windows=self._config.max_batch, max_waiting=self._config.queue, metrics=metrics)
        self._routes = Routes(
            self._config,
            batches=batches,
            metrics=metrics,
            executor=threads,
            service=loaded.model.service,
        )
        log = None if print_log is None else AccessLog(print_log)
        self._app = Application(
            self._routes.table() | Pages(self._config, self._tokens).table(),
            models=self._models,
            tokens=self._tokens,
            metrics=metrics,
            log=log,
            print_line=self._print,
            timeout=self._config.timeout,
        )
        self._uvicorn = _Uvicorn(_uvicorn_config(self._app))
        metrics.watch(
            ready=lambda: self._routes.is_ready,
            queue=batches.waiting,
            connections=lambda: len(self._uvicorn.server_state.connections),
        )
        self._first, self._second = asyncio.Event(), asyncio.Event()
        for signum in STOPPING:
            loop.add_signal_handler(signum, self._stop, signum)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        spare = self._sock.dup()  # still open after uvicorn has closed its own
        background = [
            asyncio.create_task(self._models.watch(self._config.reload)),
            asyncio.create_task(self._close_slow()),
        ]
        try:
            await self._serve(spare)
        finally:
            spare.close()
            for task in background:
                task.cancel()
            batches.close()
            threads.shutdown(wait=False, cancel_futures=True)
            loading.shutdown(wait=False, cancel_futures=True)
            if log is not None:
                log.close(LOG_SECONDS)
        return self._report()

    async def _serve(self, spare: socket.socket) -> None:
        url = url_of(self._sock)
        serving = asyncio.create_task(self._uvicorn.serve(sockets=[self._sock]))
        while not self._uvicorn.started and not serving.done():
            await asyncio.sleep(0.001)
        self._url = url
        self._announce(url)
        notify(f"READY=1\nSTATUS=serving at {url}")
        asyncio.get_running_loop().call_later(WARM_UP_AFTER, self._warm_up)
        stopped = asyncio.create_task(self._first.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            stopped.cancel()
            await serving  # raises its error
            return
        notify("STOPPING=1")
        ending = asyncio.create_task(self._end(serving, spare))
        forced = asyncio.create_task(self._second.wait())
        await asyncio.wait({ending, forced}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ending, forced):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await ending

    async def _end(self, serving: "asyncio.Task[None]", spare: socket.socket) -> None:
        """Finish the requests in progress within --grace. No connection that the system accepted is reset."""
        loop = asyncio.get_running_loop()
        state = self._uvicorn.server_state
        ends = loop.time() + self._config.grace
        self._routes.is_ready, self._app.is_closing = False, True
        drained = loop.time() + min(DRAIN_SECONDS, self._config.grace / 2)
        while state.connections and loop.time() < drained:
            await asyncio.sleep(TICK)
        for server in self._uvicorn.servers:
            server.close()
        await asyncio.sleep(0)
        connection: Callable[[], asyncio.Protocol] = lambda: LimitedConnection(  # noqa: E731
            config=self._uvicorn.config, server_state=state, app_state={}, _loop=loop
        )
        with suppress(OSError):  # BlockingIOError: no other connection waits
            while True:
                await loop.connect_accepted_socket(connection, spare.accept()[0])
        spare.close()
        self._uvicorn.config.timeout_graceful_shutdown = max(0.0, ends - loop.time())  # type: ignore[assignment]
        self._uvicorn.should_exit = True
        await serving

    async def _close_slow(self) -> None:
        """Close connections whose client is too slow."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK if self._app.is_closing else SWEEP)
            idle_seconds = NEW_SECONDS if self._app.is_closing else IDLE_SECONDS
            for connection in tuple(self._uvicorn.server_state.connections):
                if isinstance(connection, LimitedConnection):
                    connection.close_if_slow(loop.time(), idle_seconds=idle_seconds)

    def _warm_up(self) -> None:
        """Load in a thread what the first request of some kind would wait for."""
        with suppress(RuntimeError):  # the threads have ended, because the server stops
            self._threads.submit(self._models.current.model.warm_up)
            self._threads.submit(self._metrics.warm_up)

    def _stop(self, signum: int) -> None:
        (self._first if self._signum is None else self._second).set()
        self._signum = self._signum or signum

    def _reload(self) -> None:
        """Read the tokens and the model again, after SIGHUP."""
        try:
            self._tokens.reload()
        except OutputError as error:
            facts = {"message": error.message, "hint": error.hint}
            text = f"warning: the earlier tokens still count: {error.message}; hint: {error.hint}"
            self._print("warning", text, facts)
        self._models.request()

    def _announce(self, url: str) -> None:
        """Print where the server listens, and a command to try it."""
        version, config = self._models.current.model.version, self._config
        facts = {"run": str(self._run), "url": url, "version": version, "pid": os.getpid()}
        self._print("serving", f"serving {self._run}, version {version}, at {url}", facts)
        if not config.is_loopback and config.uds is None:
            self._print("note", "requests are not encrypted: use a proxy with TLS for other machines", {})
        token = f' -H "Authorization: Bearer $(head -n 1 {config.token_file})"' if config.token_file else ""
        target = f"--unix-socket {config.uds} http://localhost" if config.uds else url
        service = self._models.current.model.service
        text = f"curl{token} {target}{service.path}{service.example}"
        self._print("try", f"try: {text}", {"text": text})

    def _report(self) -> ServeReport:
        return ServeReport(
            run=str(self._run),
            url=self._url,
            version=self._models.current.model.version,
            requests=sum(self._app.answers.values()),
            statuses={str(status): count for status, count in sorted(self._app.answers.items())},
            reloads=self._models.reloads,
            unfinished=self._app.unfinished,
            signal=self._signum,
        )


def _uvicorn_config(app: Application) -> uvicorn.Config:
    LimitedConnection.max_connections = raise_connection_limit()
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=LimitedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.CRITICAL + 1,  # errors are answers, in the log of requests
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
    )
