"""Test for lost accuracy of `lstm score`: false alarms and power on the errors of a run, and the cost of --record.

.venv/bin/python benchmarks/monitoring.py runs/demo
.venv/bin/python benchmarks/monitoring.py runs/demo --cost
.venv/bin/python benchmarks/monitoring.py runs/demo --cost --series 10000

The run needs scores: `make demo` makes one of ETTh1. A loss of accuracy of 20 % multiplies each error of the model by
1.2; the errors of seasonal naive stay. Nights are drawn in blocks of 14 that followed each other, with random numbers
that the limit of the test has not seen. The table of real nights draws nothing: the forecasts of each hour of the day
are one sequence of nights.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from command import lstm
from timing import spent

from lstm_cli.monitoring import sequential_test
from lstm_cli.monitoring.promise import fit_promise, load_errors
from lstm_cli.rundir import open_run

LOSSES = (0, 10, 20, 35, 50, 100)  # percent
DAYS = (7, 14, 28, 70, 140, 365)
YEARS = 4_000
REPETITIONS = 9


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("run", help="run with scores")
    options.add_argument("--stride", type=int, default=24, help="steps between two nights")
    options.add_argument("--false-alarms", type=float, default=1.0, help="per simulated year")
    options.add_argument("--cost", action="store_true", help="measure predict with and without --record")
    options.add_argument("--series", type=int, default=1, help="with --cost: series of a made panel")
    given = options.parse_args()
    if given.cost:
        measure_cost(given.run, given.series)
        return
    errors = load_errors(open_run(given.run))
    if errors is None:
        sys.exit("the scores of the run have no errors by origin: run 'lstm evaluate RUN --force'")
    simulated(errors.astype(np.float64), given.stride, given.false_alarms)
    halves(errors.astype(np.float64), given.stride, given.false_alarms)


def simulated(errors: np.ndarray, stride: int, false_alarms: float) -> None:
    """Print the false alarms of simulated years, the power curve, and the real nights."""
    promise = fit_promise(errors)
    assert promise is not None
    residuals = promise.residuals(errors)
    limit = sequential_test.find_limit(residuals, stride=stride, false_alarms=false_alarms)
    assert limit is not None, "too few nights"
    known = residuals[np.isfinite(residuals)]
    nights = len(known) // stride
    print(f"{nights} nights behind the promise; slope {promise.slope:.2f}; limit {limit:.2f}")
    print(f"standard deviation of log(error / promised error): {known.std():.2f}")
    rng = np.random.default_rng(1)
    draw = sequential_test.simulate_nights
    years = draw(residuals, YEARS, 365, stride=stride, rng=rng)
    own = np.nanmean(draw(residuals, YEARS, nights, stride=stride, rng=rng), axis=1)
    for name, drawn in (("promise estimated", years - own[:, None]), ("promise exact", years)):
        alarms, _ = sequential_test.count_alarms(drawn, limit)
        shares = [f"{100 * np.mean(alarms == count):.0f} %" for count in (0, 1, 2)]
        more = f"{100 * np.mean(alarms > 2):.0f} %"
        print(
            f"{name}: {alarms.mean():.2f} alarms a year; years with 0, 1, 2, more: {', '.join(shares)}, {more}"
        )
    print("\nsimulated nights: share of alarms within days, and the days of half and nine tenths of them")
    print("| loss | " + " | ".join(f"{days} d" for days in DAYS) + " | half | 9 of 10 |")
    for loss in LOSSES:
        drawn = draw(residuals, YEARS, DAYS[-1], stride=stride, rng=rng) + np.log(1 + loss / 100)
        print(f"| {loss} % | {_row(sequential_test.count_alarms(drawn, limit)[1])} |")
    print("\nreal nights, one sequence for each hour of the day")
    print("| loss | " + " | ".join(f"{days} d" for days in DAYS if days <= nights) + " | half | 9 of 10 |")
    real = _sequences(residuals, stride)
    for loss in LOSSES:
        first = sequential_test.count_alarms(real + np.log(1 + loss / 100), limit)[1]
        print(f"| {loss} % | {_row(first, most=nights)} |")


def halves(errors: np.ndarray, stride: int, false_alarms: float) -> None:
    """Print the false alarms on nights that did not make the limit: each half of the rows against the other."""
    middle = len(errors) // 2
    for name, learnt, seen in (
        ("first half, alarms in the second", errors[:middle], errors[middle:]),
        ("second half, alarms in the first", errors[middle:], errors[:middle]),
    ):
        promise = fit_promise(learnt)
        assert promise is not None
        limit = sequential_test.find_limit(
            promise.residuals(learnt), stride=stride, false_alarms=false_alarms
        )
        if limit is None:
            print(f"promise of the {name}: too few nights")
            continue
        residuals = promise.residuals(seen)
        real = _sequences(residuals, stride)
        alarms, _ = sequential_test.count_alarms(real, limit)
        ratio = np.exp(np.nanmean(residuals))
        print(
            f"promise of the {name}: error {100 * (ratio - 1):+.0f} % from the promise, alarms in "
            f"{np.mean(alarms > 0):.0%} of {len(real)} sequences of {real.shape[1]} nights"
        )


def _sequences(residuals: np.ndarray, stride: int) -> np.ndarray:
    """Return the real nights [stride, nights]: one sequence for each position within a day."""
    nights = len(residuals) // stride
    return residuals[: nights * stride].reshape(nights, stride).T


def _row(first: np.ndarray, *, most: int = DAYS[-1]) -> str:
    """Return the share of first alarms within each number of days, and the days of half and nine tenths."""
    found = np.where(first < 0, np.inf, first)
    shares = [f"{100 * np.mean(found <= days):.0f} %" for days in DAYS if days <= most]
    days = (float(np.quantile(found, share, method="higher")) for share in (0.5, 0.9))
    return " | ".join([*shares, *(f"{day:.0f}" if np.isfinite(day) else "-" for day in days)])


def measure_cost(run: str, series: int) -> None:
    """Print the seconds of `predict` with and without --record, alternately, and the size of a file."""
    with tempfile.TemporaryDirectory() as folder:
        if series > 1:
            run = _panel(Path(folder), series)
        output = ("-o", str(Path(folder) / "forecast.csv"), "--threads", "1")
        command = [sys.executable, "-m", "lstm_cli", "predict", run, *output]
        seconds: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(REPETITIONS):
            seconds["without"].append(spent(command).cpu)
            seconds["with"].append(spent([*command, "--record"]).cpu)
    plain, recorded = (statistics.median(each) for each in seconds.values())
    print(
        f"{series} series: {plain:.2f} s of CPU, with --record {recorded:.2f} s, ratio {recorded / plain:.2f}"
    )


def _panel(folder: Path, series: int) -> str:
    """Make a run of hourly series with a linear model, and print the size of its forecast in the ledger."""
    rng = np.random.default_rng(0)
    hours = np.arange("2024-01-01", "2024-01-09", dtype="datetime64[h]").astype("datetime64[s]")
    lines = ["time,shop,sales"]
    for shop in range(series):
        level = 100 * rng.lognormal()
        values = level * (
            1 + 0.3 * np.sin(np.arange(len(hours)) * np.pi / 12) + 0.05 * rng.normal(size=len(hours))
        )
        lines += [f"{hour},{shop},{value:.2f}" for hour, value in zip(hours, values, strict=True)]
    data, run = folder / "panel.csv", str(folder / "run")
    data.write_text("\n".join(lines) + "\n")
    lstm(
        "prepare",
        str(data),
        run,
        "--series",
        "shop",
        "--target",
        "sales",
        "--horizon",
        "24",
        "--lookback",
        "48",
    )
    lstm("train", run, "--parts", "linear", "--threads", "1")
    lstm("predict", run, "--record", "-o", str(folder / "first.csv"))
    size = sum(path.stat().st_size for path in (Path(run) / "ledger").iterdir())
    print(f"{series} series with 24 steps: {size / 1e6:.2f} MB in the ledger")
    return run


if __name__ == "__main__":
    main()
