"""Tests of the tables of serving.py: reading the report of wrk, and the memory of a process. They assert no timings."""

import subprocess
import sys

import pytest
import servers
from command import CommandFailed

REPORT = """\
Running 4s test @ http://127.0.0.1:8000/v1/forecast
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    53.91ms   19.63ms   1.22s    82.28%
    Req/Sec   298.95     14.98   380.00     78.95%
  Latency Distribution
     50%   49.84ms
     75%   60.11ms
     90%   79.92ms
     99%    1.22s{blank}
  1183 requests in 4.01s, 3.95MB read
Requests/sec:    295.26
Transfer/sec:      0.98MB
""".format(blank=" ")  # wrk pads its columns


def test_the_figures_of_wrk_are_read() -> None:
    assert servers.read_report(REPORT) == servers.Measured(per_second=295.26, p99=1_220.0, errors=0)


def test_refused_and_failed_requests_are_counted() -> None:
    refused = REPORT.replace(
        "Requests/sec",
        "  Socket errors: connect 0, read 3, write 0, timeout 2\n  Non-2xx or 3xx responses: 7\nRequests/sec",
    )
    assert servers.read_report(refused).errors == 12


def test_a_report_without_figures_is_an_error() -> None:
    with pytest.raises(CommandFailed, match="no figures"):
        servers.read_report("unable to connect to 127.0.0.1:8000 Connection refused")


def test_a_server_that_ends_is_an_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(4)"])
    with pytest.raises(CommandFailed, match="ended with 4"):
        servers.wait_until_ready(servers.free_port(), process)
