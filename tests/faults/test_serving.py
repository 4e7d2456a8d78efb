"""Faults of clients and of the run while `lstm serve` answers.

`make faults` reloads for a minute, sends 10,000 changed requests of each kind, and serves for ten minutes.
"""

import contextlib
import http.client
import io
import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from faulty import FULL, Command, copy_golden, copy_two_models, trial_count
from mutations import mutate
from served import JSON, Answer, Served, ask, exchange, request_bytes, statuses

from lstm_cli.serving.model import CSV, PARQUET, ServedModel
from lstm_cli.serving.model.description import RunDescription

CLIENTS = 8
UPPER = 60.0  # bound of the second model, which changes its forecasts
GROWTH = 64.0  # MiB that a server may grow under faults
ROUNDING = 1e-4  # relative difference between batches
REFUSED = {400, 404, 405, 406, 408, 413, 415, 422, 431, 503, 504}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> RunDescription:
    """Return the description of the golden run, with rows for a request."""
    run = copy_golden(tmp_path_factory.mktemp("described") / "run")
    return ServedModel.load(run, threads=1).describe()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, rows: RunDescription) -> Iterator[Served]:
    """Return a server with small limits, which no client may harm. Its log must have no traceback.

    It has answered each kind of body, so the libraries for them are in its memory.
    """
    folder = tmp_path_factory.mktemp("served")
    run = copy_golden(folder / "run")
    with Served(run, folder, "--max-body", "1MiB", "--timeout", "3s") as served:
        for kind, body in bodies_of(rows).items():
            require_answer(served, body, kind)
        yield served
        assert served.stop() == 143
        assert "raceback" not in served.log()
        assert "this is a bug" not in served.log()


def records(rows: RunDescription) -> bytes:
    return json.dumps(rows.example_records).encode()


def parquet(rows: RunDescription) -> bytes:
    file = io.BytesIO()
    pd.DataFrame.from_records(list(rows.example_records)).to_parquet(file)
    return file.getvalue()


def bodies_of(rows: RunDescription) -> dict[str, bytes]:
    """Return a body of each media type."""
    return {CSV: rows.example_csv.encode(), JSON: records(rows), PARQUET: parquet(rows)}


def require_answer(served: Served, body: bytes, kind: str = JSON) -> None:
    """Wait for a forecast. On a busy machine, the first tries may be too late for --timeout."""
    wait_for(lambda: ask(served.client(), "POST", "/v1/forecast", body, kind).status == 200)


def under_load(served: Served, body: bytes, work: Callable[[], None]) -> tuple[list[Answer], list[str]]:
    """Return the answers that clients get while some work is done, and their failures.

    A client keeps its connection until the server closes it, and opens the next one. It ends when none is accepted.
    """
    answers: list[Answer] = []
    failures: list[str] = []
    done = threading.Event()

    def load() -> None:
        client = served.client()
        while not done.is_set():
            if client.sock is None:
                try:
                    client.connect()
                except ConnectionRefusedError:  # the server has stopped
                    return
            try:
                answers.append(ask(client, "POST", "/v1/forecast", body))
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                client.close()

    threads = [threading.Thread(target=load) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return answers, failures


def numbers(body: bytes) -> list[float]:
    answer: dict[str, Any] = json.loads(body)
    return [value for row in answer["forecast"] for value in row.values() if isinstance(value, float)]


def equal(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and one == pytest.approx(other, rel=ROUNDING)


def test_a_new_model_under_load(command: Command, rows: RunDescription, tmp_path: Path) -> None:
    """Each answer is that of one version, and none fails."""
    run, body = copy_two_models(tmp_path / "run", upper=UPPER), records(rows)
    seconds, every = (60.0, 2.0) if FULL else (2.0, 0.5)
    with Served(run, tmp_path, "--reload", "0.1s") as served:
        client = served.client()
        expected = {"2": numbers(ask(client, "POST", "/v1/forecast", body).body)}
        versions = iter(["1", "2"] * 1000)

        def switch() -> str:
            version = next(versions)
            assert command("history", run, "--rollback", version)["status"] == 0
            end = time.monotonic() + 60
            while ask(client, "GET", "/v1/forecast").version != version:
                assert time.monotonic() < end
                time.sleep(0.02)
            return version

        version = switch()
        expected[version] = numbers(ask(client, "POST", "/v1/forecast", body).body)
        assert not equal(expected["1"], expected["2"])

        def keep_switching() -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(every)
                switch()

        answers, failures = under_load(served, body, keep_switching)
        counts = Counter((answer.status, answer.version) for answer in answers)
        print(f"a new model every {every:g} s for {seconds:g} s: {dict(counts)}, {len(failures)} failures")
        assert failures == []
        assert set(counts) == {(200, "1"), (200, "2")}
        for answer in answers:
            assert answer.version is not None
            assert json.loads(answer.body)["version"] == answer.version
            assert equal(numbers(answer.body), expected[answer.version])
        assert served.metric("lstm_reload_failing") == 0


def test_term_under_load(rows: RunDescription, tmp_path: Path) -> None:
    """No connection is reset: each request that was sent is answered."""
    run, answered, trials = copy_golden(tmp_path / "run"), 0, trial_count(50, 1)
    for _ in range(trials):
        with Served(run, tmp_path) as served:
            codes: list[int] = []

            def stop(served: Served = served, codes: list[int] = codes) -> None:
                time.sleep(0.3)
                codes.append(served.stop())

            answers, failures = under_load(served, records(rows), stop)
            assert (codes, failures) == ([143], [])
            assert {answer.status for answer in answers} == {200}
            answered += len(answers)
    print(f"TERM under load: {trials} times, {answered} answers, none reset")


def test_a_damaged_model_is_not_loaded(rows: RunDescription, tmp_path: Path) -> None:
    """An old model stays, and the log and the metrics report it. The repaired run is loaded."""
    run = copy_two_models(tmp_path / "run", upper=UPPER)
    with Served(run, tmp_path, "--reload", "0.1s") as served:
        client, body = served.client(), records(rows)
        before = ask(client, "POST", "/v1/forecast", body).body
        graph = next((run / "model").glob("0002/model.onnx"))
        good = graph.read_bytes()
        graph.write_bytes(good[:-100] + bytes(100))
        wait_for(lambda: served.metric("lstm_reload_failing") == 1)
        assert ask(client, "POST", "/v1/forecast", body).body == before
        assert served.get("/v2/health/ready").status == 200
        assert "model.onnx" in served.log()
        assert served.log().count("warning: ") + served.log().count("error: ") <= 3  # not again and again
        graph.write_bytes(good)
        served.send(signal.SIGHUP)
        wait_for(lambda: served.metric("lstm_reload_failing") == 0)
        assert ask(client, "POST", "/v1/forecast", body).body == before


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_clients_that_hold_connections(served: Served, rows: RunDescription) -> None:
    """Idle connections, slow and huge bodies, and wrong lengths: others are answered, and memory stays."""
    body, before = records(rows), served.mib()
    count = 1_000 if FULL else 200
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(count)]
        slow = [stack.enter_context(served.connect()) for _ in range(count // 10)]
        for sock in slow:
            sock.sendall(request_bytes("POST", "/v1/forecast", body, JSON)[: -len(body) // 2])
        require_answer(served, body)
        assert {statuses(sock.recv(1 << 16))[0] for sock in slow} == {408}
        require_answer(served, body)
        grown = served.mib() - before
        print(f"{len(idle):,} idle and {len(slow)} slow connections: {grown:.1f} MiB more")
        assert grown < GROWTH
    declared = request_bytes("POST", "/v1/forecast", b"", JSON, Content_Length=1 << 30)
    assert statuses(exchange(served, declared)) == [413]
    assert (
        statuses(exchange(served, request_bytes("POST", "/v1/forecast", body[:9], JSON, Content_Length=99)))
        == []
    )
    longer = request_bytes("POST", "/v1/forecast", body, JSON, Content_Length=len(body) - 9)
    assert statuses(exchange(served, longer))[0] == 400
    sent = send_chunks(served, (1 << 30) if FULL else (8 << 20))
    assert sent < 8 << 20
    require_answer(served, body)
    assert served.mib() - before < GROWTH


def send_chunks(served: Served, size: int) -> int:
    """Send a body of `size` bytes in chunks until the server refuses it with 413, and return how much was sent."""
    chunk, sent = b"10000\r\n" + b"1" * (1 << 16) + b"\r\n", 0
    with served.connect() as sock:
        sock.sendall(request_bytes("POST", "/v1/forecast", b"", CSV, Transfer_Encoding="chunked"))
        try:
            while sent < size:
                sock.sendall(chunk)
                sent += 1 << 16
                sock.settimeout(0.001)
                with contextlib.suppress(TimeoutError):
                    assert statuses(sock.recv(1 << 16)) == [413]
                    return sent
                sock.settimeout(60)
        except ConnectionError:  # the server has answered and closed
            return sent
    raise AssertionError("no answer")


@pytest.mark.parametrize("kind", ["bytes", CSV, JSON, PARQUET])
def test_changed_requests(served: Served, rows: RunDescription, rng: random.Random, kind: str) -> None:
    """Changed bytes of a request, or of its body, are an answer or a refusal, and never a crash or a 500."""
    bodies = bodies_of(rows)
    before, counts, trials = (
        served.mib(),
        Counter[Any](),
        trial_count(10_000 if kind == "bytes" else 3_000, 60),
    )
    client = served.client()
    for _ in range(trials):
        if kind == "bytes":
            media_type = rng.choice(list(bodies))
            path = rng.choice(("/v1/forecast?horizon=3&quantiles=0.1", "/invocations?series=A", "/ping", "/"))
            whole = request_bytes(rng.choice(("POST", "GET")), path, bodies[media_type], media_type)
            received = exchange(served, mutate(whole, rng))
            found = statuses(received)
            assert received == b"" or found
            counts.update(found or ["closed"])
            assert set(found) <= {200, 204, *REFUSED}, received
        else:
            answer = ask(client, "POST", "/v1/forecast", mutate(bodies[kind], rng), kind)
            counts[answer.status] += 1
            assert answer.status in {200, *REFUSED}, answer.body
            assert b"NaN" not in answer.body
    print(f"{trials:,} changed requests of {kind}: {dict(counts)}, {served.mib() - before:.1f} MiB more")
    assert served.get("/v2/health/ready").status == 200
    assert served.mib() - before < GROWTH


@pytest.mark.skipif(not FULL, reason="make faults runs it")
@pytest.mark.skipif(shutil.which("schemathesis") is None, reason="schemathesis is not installed")
def test_schemathesis(served: Served, tmp_path: Path) -> None:
    """Requests made from the OpenAPI document find no error of the server, and no answer that it does not describe."""
    done = subprocess.run(
        ["schemathesis", "run", f"http://127.0.0.1:{served.port}/openapi.json", "--max-examples", "100",
         "--exclude-checks", "positive_data_acceptance", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout[-600:])
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not FULL, reason="make faults runs it")
def test_ten_minutes_of_requests(rows: RunDescription, tmp_path: Path) -> None:
    """50 requests a second do not make the server grow."""
    kinds = [(body, kind) for kind, body in bodies_of(rows).items()]
    with Served(copy_golden(tmp_path / "run"), tmp_path) as served:
        client, began, sent, sizes = served.client(), time.monotonic(), 0, []
        while (passed := time.monotonic() - began) < 600:
            assert ask(client, "POST", "/v1/forecast", *kinds[sent % 3]).status == 200
            sent += 1
            if sent % 1_500 == 0:
                sizes.append(round(served.mib(), 1))
            time.sleep(max(0.0, sent / 50 - passed))
        print(f"{sent:,} requests in {passed:.0f} s: {sizes} MiB")
        assert max(sizes) - sizes[1] < 8
