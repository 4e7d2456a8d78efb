"""Tables of the simulated year: errors, time, failed nights and the size of the runs."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_cli.evaluation.uncertainty import CONFIDENCE, WindowTimes, ratio_of_sums, student_t_quantile

RIVALS = ("weekly", "never")
TRAINED = ("kept", "replaced", "failed")
EVENT = 30
Nights = list[dict[str, Any]]


def print_tables(courses: dict[str, Nights]) -> None:
    """Print all tables of the courses that have nights."""
    courses = {name: nights for name, nights in courses.items() if nights}
    if not courses:
        print("no night of a course is done for all contestants")
        return
    _errors(courses)
    _times(courses)
    _trainings(courses)
    _failures(courses)
    _sizes(courses)


def head(*names: str) -> None:
    print("\n| " + " | ".join(names) + " |")
    print("|" + " --- |" * len(names))


def row(*cells: object) -> None:
    print("| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")


def scored(nights: Nights) -> Nights:
    """Return the nights on which every contestant has a forecast of the next day."""
    return [
        night for night in nights if all(night[name]["mase"] is not None for name in ("refresh", *RIVALS))
    ]


def difference(own: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return by which percentage the own mean error is above the other, and the 90 % interval.

    Args:
        own: error of each night.
        other: error of the same nights.
    """
    count = len(own)
    times = WindowTimes(moment=np.arange(count), count=count, disjoint=count, horizon=1.0)
    ratio, deviation, freedom = ratio_of_sums(np.array(own), np.array(other), times)
    reach = student_t_quantile((1 + CONFIDENCE) / 2, freedom) * deviation
    return 100 * (ratio - 1), 100 * (ratio - reach - 1), 100 * (ratio + reach - 1)


def _difference_text(nights: Nights, other: str) -> str:
    if len(nights) < 8:
        return "-"
    errors = ([night[name]["mase"] for night in nights] for name in ("refresh", other))
    middle, low, high = difference(*errors)
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


def _errors(courses: dict[str, Nights]) -> None:
    head("course", "nights scored", "refresh", *RIVALS, *(f"refresh against {name}" for name in RIVALS))
    for name, nights in courses.items():
        parts = {name: scored(nights)}
        if name != "plain":
            after = [night for night in scored(nights) if night["night"] >= EVENT]
            parts |= {f"{name}, from night {EVENT + 1}": after}
        for label, chosen in parts.items():
            if not chosen:
                continue
            means = (
                statistics.fmean(night[each]["mase"] for night in chosen) for each in ("refresh", *RIVALS)
            )
            row(
                label,
                f"{len(chosen)} of {len(nights)}",
                *means,
                *(_difference_text(chosen, each) for each in RIVALS),
            )


def training_seconds(nights: Nights) -> float:
    """Return the CPU seconds that `refresh` spent on trainings: those above a median night without one."""
    plain = [night["refresh"]["cpu"] for night in nights if night["refresh"]["verdict"] not in TRAINED]
    usual = statistics.median(plain) if plain else 0.0
    return sum(
        max(0.0, night["refresh"]["cpu"] - usual)
        for night in nights
        if night["refresh"]["verdict"] in TRAINED
    )


def _times(courses: dict[str, Nights]) -> None:
    head(
        "course",
        "training: refresh, s",
        "weekly, s",
        "ratio",
        "all: refresh, s",
        "weekly, s",
        "never, s",
        "ratio to weekly",
    )
    seconds = {}
    for name, nights in courses.items():
        trained = sum(night["weekly"]["training"] for night in nights)
        every = [sum(night[each]["cpu"] for night in nights) for each in ("refresh", *RIVALS)]
        seconds[name] = np.array([training_seconds(nights), trained, *every])
    seconds["together"] = np.sum(list(seconds.values()), axis=0)
    for name, (own, other, own_every, other_every, never) in seconds.items():
        row(
            name,
            f"{own:.0f}",
            f"{other:.0f}",
            own / other if other else "-",
            f"{own_every:.0f}",
            f"{other_every:.0f}",
            f"{never:.0f}",
            own_every / other_every,
        )


def _trainings(courses: dict[str, Nights]) -> None:
    head("course", "trainings of refresh", "replaced", "nights with a replacement", "nights with a new alarm")
    for name, nights in courses.items():
        trained = [night for night in nights if night["refresh"]["verdict"] in TRAINED]
        replaced = [night["night"] + 1 for night in trained if night["refresh"]["verdict"] == "replaced"]
        alarms = [night["night"] + 1 for night in trained if "alarm:" in (night["refresh"]["reason"] or "")]
        row(name, len(trained), len(replaced), _list(replaced), _list(alarms))


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "-"


def _failures(courses: dict[str, Nights]) -> None:
    head("course", "failed nights of refresh", "exit codes", "each followed by one that works")
    for name, nights in courses.items():
        codes = [night["refresh"]["codes"][-1] for night in nights]
        failed = [number for number, code in enumerate(codes) if code]
        follow = all(number + 1 == len(codes) or codes[number + 1] == 0 for number in failed)
        row(
            name,
            _list([number + 1 for number in failed]),
            _list(sorted({codes[number] for number in failed})),
            ("yes" if follow else "no") if failed else "-",
        )


def _sizes(courses: dict[str, Nights]) -> None:
    head("course", "after night", "KB without the ledger", "KB of the ledger", "folders", "models")
    for name, nights in courses.items():
        for number in sorted({min(30, len(nights)), min(90, len(nights)), len(nights)}):
            sizes = nights[number - 1]["refresh"]
            row(
                name,
                number,
                f"{(sizes['bytes'] - sizes['ledger_bytes']) / 1e3:.0f}",
                f"{sizes['ledger_bytes'] / 1e3:.0f}",
                sizes["folders"],
                sizes["models"],
            )
