"""Headless Chromium, driven through its DevTools protocol over a pipe, without a package.

See https://chromedevtools.github.io/devtools-protocol/. Messages are JSON, each with a NUL at its end.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT = 300.0  # seconds, which only end a hanging test
FLAGS = ("--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
Json = dict[str, Any]


def chromium_path() -> str | None:
    """Return the path of Chromium or Chrome; None if neither is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tab:
    """Page in a browser, with what it reported."""

    def __init__(self, reads: int, writes: int) -> None:
        self.problems: list[str] = []  # console errors, exceptions, violations of the content security policy
        self.requests: list[str] = []  # addresses that the page asked for
        self._reads, self._writes = reads, writes
        self._rest, self._last_id, self._session = b"", 0, ""
        self._loaded = 0

    def call(self, method: str, **params: Any) -> Json:
        """Send a command and return its result. Raise RuntimeError if the browser refuses."""
        self._last_id += 1
        number = self._last_id
        message: Json = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writes, data) :]
        while True:
            answer = self._next_message()
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            result: Json = answer["result"]
            return result

    def open(self, page: Path | str) -> None:
        """Load a local file or an address, and wait until it is loaded."""
        before, url = self._loaded, page if isinstance(page, str) else page.resolve().as_uri()
        self.call("Page.navigate", url=url)
        while self._loaded == before:
            self._next_message()
        self.requests.remove(url)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + LIMIT
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Set the size of the viewport in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def media(self, scheme: str, *, media: str = "") -> None:
        """Emulate a color scheme, and the medium `print` if it is given."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def mouse(self, kind: str, x: float, y: float, *, clicks: int = 0) -> None:
        """Send a mouse event: Moved, Pressed or Released, at a place of the viewport."""
        button = "left" if clicks or kind != "Moved" else "none"
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, button=button, clickCount=clicks)

    def drag(self, x: float, y: float, to_x: float) -> None:
        """Drag with the left button from one place to another at the same height."""
        self.mouse("Moved", x, y)
        self.mouse("Pressed", x, y, clicks=1)
        for part in (0.3, 0.7, 1.0):
            self.call(
                "Input.dispatchMouseEvent",
                type="mouseMoved",
                x=x + part * (to_x - x),
                y=y,
                button="left",
                buttons=1,
            )
        self.mouse("Released", to_x, y, clicks=1)

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def attach(self) -> None:
        """Make a tab, and listen to what it reports."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def _next_message(self) -> Json:
        while b"\0" not in self._rest:
            if not select.select([self._reads], [], [], LIMIT)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._reads, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message: Json = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, params: Json) -> None:
        if method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {params['exceptionDetails']}")
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(f"console.{params['type']}: {params['args']}")
        elif method == "Log.entryAdded":
            self.problems.append(f"log: {params['entry']['text']}")
        elif method == "Audits.issueAdded":
            self.problems.append(f"issue: {params['issue']}")
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {params['message']}")


@contextmanager
def open_browser(program: str, profile: Path) -> Iterator[Callable[[], Tab]]:
    """Start a browser, and yield its tab.

    Args:
        program: path of Chromium.
        profile: empty folder for the browser's files.
    """
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()

    def connect() -> None:
        # The browser reads from descriptor 3 and writes to 4. Copies first, because the pipes can have these numbers.
        copies = os.dup(to_browser), os.dup(from_browser)
        for copy, number in zip((os.dup(copies[0]), os.dup(copies[1])), (3, 4), strict=True):
            os.dup2(copy, number)

    with subprocess.Popen(
        [program, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        preexec_fn=connect,
        close_fds=False,
        start_new_session=True,
    ) as process:
        os.close(to_browser)
        os.close(from_browser)
        tab = Tab(to_us, from_us)
        try:
            tab.attach()
            yield tab
        finally:
            process.kill()
            os.close(to_us)
            os.close(from_us)
