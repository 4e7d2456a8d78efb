"""Making of the model: training curves, quantization, settings, versions and commands."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli.evaluation.score_text import format_number
from lstm_cli.reporting.facts import LossCurve, Made, RunFacts
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.sections.charts import SMALL_HEIGHT
from lstm_cli.reporting.sections.layout import details, figure, grid, legend, section, table
from lstm_cli.reporting.svg import chart, dots, frame, line, vertical
from lstm_cli.wording import count_noun

DATA_NOTE = "Replace DATA by the data: the run was made from no file, or from several."


def training_section(curves: Sequence[LossCurve]) -> Html | None:
    """Return the losses of each trained network; None without networks."""
    if not curves:
        return None
    note = (
        "Training loss, in scaled units, and validation error by epoch. A line marks the epoch whose weights were "
        "kept, because its validation error is the lowest."
    )
    entries = legend(("model", "training"), ("val-loss", "validation"))
    figures = [figure for curve in curves for figure in _curve_figures(curve)]
    return section("training", "Training", note, entries, grid(*figures))


def _curve_figures(curve: LossCurve) -> list[Html]:
    """Return one chart of both losses; two charts if they are different measures, which share no axis."""
    train, val = (curve.train, "model"), (curve.val, "val-loss")
    if curve.val_measure == "loss":
        return [_curve_figure(curve, "loss", [train, val])]
    charts = [
        (f"validation {curve.val_measure}", val),
        ("training loss", train),
    ]
    return [_curve_figure(curve, name, [drawn]) for name, drawn in charts if np.isfinite(drawn[0]).any()]


def _curve_figure(curve: LossCurve, name: str, lines: list[tuple[np.ndarray, str]]) -> Html:
    place = frame([curve.epoch, np.array([0.0, 1.0])], [values for values, _ in lines], SMALL_HEIGHT)
    marks = [line(place, curve.epoch, values, kind) for values, kind in lines]
    if len(curve.epoch) <= 25:
        marks += [dots(place, curve.epoch, values, kind, radius=2.5) for values, kind in lines]
    if curve.best_epoch is not None:
        marks.insert(0, vertical(place, curve.best_epoch, "origin", f"epoch {curve.best_epoch}"))
    every = max(1, round(len(curve.epoch) / 6))
    shown = [(float(epoch), f"{epoch:.0f}") for epoch in curve.epoch[::every]]
    lowest = float(np.nanmin(lines[-1][0], initial=np.inf))
    label = f"{curve.part}: {name} by epoch; lowest {format_number(lowest)}"
    return figure(join(isolate(curve.part), f": {name}"), chart(place, label, shown, *marks))


def quantized_section(facts: RunFacts) -> Html | None:
    """Return what quantization costs; None without a quantized model."""
    report = facts.quantized
    if report is None:
        return None
    names = ("fp32", "quantized")
    rows: list[tuple[str, ...]] = [("size, KB", *(f"{report['size'][name] / 1000:,.0f}" for name in names))]
    if report.get("latency_ms"):
        batch = count_noun(report["batch"], "window")
        rows.append(
            (f"latency, ms for {batch}", *(format_number(report["latency_ms"][name]) for name in names))
        )
    rows.append(("validation MAE, scaled", *(format_number(report["mae_scaled"][name]) for name in names)))
    if report.get("wql"):
        rows.append(("weighted quantile loss", *(format_number(report["wql"][name]) for name in names)))
    for level in (report.get("coverage") or {}).get("fp32", {}):
        values = (format_number(report["coverage"][name].get(level)) for name in names)
        rows.append((f"inside the {level} % interval, %", *values))
    ratio = report["size"]["quantized"] / report["size"]["fp32"] if report["size"]["fp32"] else 1.0
    change = (
        f"{report['to']} has {100 * ratio:.0f} % of the size, and its validation error changes by "
        f"{100 * report['loss']:+.2f} %."
    )
    content = table("The trained and the quantized model", ("", "fp32", report["to"]), rows)
    return section(
        "quantized",
        f"Cost of {report['to']}",
        change.replace("+0.00", "0.00").replace("-0.00", "0.00"),
        content,
    )


def settings_section(made: Made) -> Html:
    """Return the commands that make the run again, the settings, the versions and the checksum of the data."""
    block = element("pre", {"tabindex": 0}, element("code", {}, "\n".join(made.commands)))
    note = "These commands make the same run from the same file, with the same release and seed."
    if not made.data_is_named:
        note += f" {DATA_NOTE}"
    entries: list[tuple[Child, Child]] = [
        *((_file(name), element("code", {"class": "digest"}, digest)) for name, digest in made.data_sha256),
        ("seed", "none" if made.seed is None else str(made.seed)),
        ("device", made.device or "not recorded"),
        ("versions", ", ".join(f"{name} {version}" for name, version in made.versions.items())),
        *((f"lstm {step}", f"{_when(when)}, {seconds:,.1f} s") for step, when, seconds in made.steps),
    ]
    facts_list = element(
        "dl",
        {"class": "facts"},
        *(element("div", {}, element("dt", {}, name), element("dd", {}, text)) for name, text in entries),
    )
    return section("again", "Make it again", note, block, facts_list, *_settings(made))


def _file(name: str) -> Html:
    return element("span", {}, "sha256 of ", isolate(name))


def _when(time: str) -> str:
    return time.replace("T", " ").removesuffix("Z") + " UTC"


def _settings(made: Made) -> list[Html]:
    """Return two tables: the settings that were given or settled, and the defaults."""
    given: list[tuple[Child, ...]] = []
    defaults: list[tuple[Child, ...]] = []
    for step, settings in made.settings.items():
        for name, setting in settings.items():
            row = (f"{step} {name}", isolate(_value(setting)), setting["source"])
            (defaults if setting["source"] == "default" and "settled" not in setting else given).append(row)
    header = ("setting", "value", "source")
    shown = []
    if given:
        shown.append(
            details("Settings that were given or chosen", table("Settings", header, given, text_columns=3))
        )
    if defaults:
        shown.append(details("Defaults", table("Defaults", header, defaults, text_columns=3)))
    return shown


def _value(setting: Mapping[str, Any]) -> str:
    value = setting["value"]
    text = "unset" if value is None else "on" if value is True else "off" if value is False else _plain(value)
    return f"{text}, chosen: {_plain(setting['settled'])}" if "settled" in setting else text


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
