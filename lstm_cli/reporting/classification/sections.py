"""Sections of the page about a classifier."""

import numpy as np

from lstm_cli.evaluation.classification.names import METRICS as TITLES
from lstm_cli.reporting.classification.facts import METRICS, ClassFacts
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.sections.layout import figure, grid, prose, section, table
from lstm_cli.reporting.sections.opening import tile
from lstm_cli.reporting.svg import Frame, bars, chart, dots, frame, line, vertical
from lstm_cli.wording import count_noun

HEIGHT = 160  # pixels of a chart
MAX_MATRIX = 15  # classes of a matrix that fits on the page
MAX_CLASSES = 40  # rows of a table of classes
MAX_PAIRS = 10  # pairs of classes
MAX_BINS = 30  # of the lengths
SHADES = 5  # of the cells of the confusion matrix
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def opening(facts: ClassFacts) -> Html:
    """Return the title and the verdict."""
    about = join(
        isolate(facts.source),
        f" \u00b7 {count_noun(sum(facts.sequences.values()), 'sequence')} of {facts.rows:,} steps, "
        f"{count_noun(len(facts.columns), 'value column')}",
    )
    return element(
        "header",
        {},
        element("p", {"class": "kicker"}, "Classification report \u00b7 ", isolate(facts.run)),
        element(
            "h1", {}, f"Classification of sequences in {count_noun(len(facts.classes), 'class', 'classes')}"
        ),
        element("p", {"class": "about"}, about),
        element("p", {"class": "verdict"}, prose(facts.verdict)),
        element("p", {"class": "tested"}, prose(facts.tested)),
        *(element("p", {"class": "remark"}, prose(note)) for note in facts.notes),
    )


def figures_section(facts: ClassFacts) -> Html:
    """Return the key figures, the scores of the model and the baselines, and the comparisons."""
    model = facts.scores["model"]
    tiles = [tile(TITLES[name], f"{model[name]:.3f}", _interval(facts, name)) for name in METRICS]
    rows: list[tuple[Child, ...]] = [
        (name, *(f"{scores[metric]:.4f}" for metric in METRICS)) for name, scores in facts.scores.items()
    ]
    content: list[Child] = [
        element("dl", {"class": "tiles"}, *tiles),
        table("Scores of the model and the baselines", ("", *(TITLES[name] for name in METRICS)), rows),
        element("ul", {"class": "plain"}, *(element("li", {}, prose(text)) for text in facts.comparisons)),
    ]
    if facts.warnings:
        content.append(
            element(
                "div",
                {"class": "warnings"},
                element("h3", {}, count_noun(len(facts.warnings), "warning")),
                element("ul", {}, *(element("li", {}, text) for text in facts.warnings)),
            )
        )
    note = (
        f"Scores on {count_noun(facts.scored, f'{facts.split} sequence')}, of the model and of two baselines: the "
        "shares of the classes in the training set, and a logistic regression. Higher accuracy and macro-F1 are "
        "better, and lower log-loss and calibration error."
    )
    return section("figures", "Key figures", note, *content)


def _interval(facts: ClassFacts, name: str) -> str:
    if name not in facts.intervals:
        return ""
    low, high = facts.intervals[name]
    return prose(f"95 % interval {low:.3f} to {high:.3f}")


def confusion_section(facts: ClassFacts) -> Html:
    """Return the confusion matrix, the classes that are mixed up most, and the scores of each class."""
    content: list[Child] = []
    if len(facts.classes) <= MAX_MATRIX:
        content.append(figure("Confusion matrix", _matrix(facts)))
    pairs: list[tuple[Child, ...]] = [
        (isolate(truth), isolate(predicted), f"{count:,}")
        for truth, predicted, count in facts.mixed_up[:MAX_PAIRS]
    ]
    if pairs and len(facts.classes) > 2:
        mixed = table(
            "Classes that are mixed up", ("true class", "predicted", "sequences"), pairs, text_columns=2
        )
        content.append(figure("Most frequent mistakes", mixed))
    rows: list[tuple[Child, ...]] = [
        (
            isolate(str(row["class"])),
            f"{row['sequences']:,}",
            *(_share(row[name]) for name in ("precision", "recall", "f1")),
        )
        for row in facts.per_class[:MAX_CLASSES]
    ]
    scores = table("Scores of each class", ("class", "sequences", "precision", "recall", "F1"), rows)
    more = len(facts.per_class) - MAX_CLASSES
    content.append(figure("Each class", scores, note=f"and {more:,} more classes" if more > 0 else None))
    note = (
        f"Rows are true classes, and columns are predictions, on the {facts.split} sequences. Recall is the share of "
        "a class that is found. Precision is the share of the predictions of a class that are correct."
    )
    return section("confusion", "Classes", note, *content)


def _matrix(facts: ClassFacts) -> Html:
    """Return the confusion matrix as a table, whose cells are darker for a larger share of the true class."""
    shares = facts.confusion / np.maximum(facts.confusion.sum(axis=1, keepdims=True), 1)
    head = element(
        "tr",
        {},
        element("th", {"scope": "col"}, "true / predicted"),
        *(element("th", {"scope": "col"}, isolate(name)) for name in facts.classes),
    )
    rows = [
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, isolate(name)),
            *(
                element("td", {"class": f"shade{int(np.ceil(SHADES * shares[row, column]))}"}, f"{count:,}")
                for column, count in enumerate(facts.confusion[row])
            ),
        )
        for row, name in enumerate(facts.classes)
    ]
    matrix = element("table", {"class": "matrix"}, element("thead", {}, head), element("tbody", {}, *rows))
    return element(
        "div",
        {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": "Confusion matrix"},
        matrix,
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def mistakes_section(facts: ClassFacts) -> Html | None:
    """Return the wrong predictions with the highest probability; None without any."""
    if not facts.mistakes:
        return None
    rows: list[tuple[Child, ...]] = [
        (
            isolate(each.name),
            isolate(each.truth),
            isolate(each.predicted),
            f"{each.confidence:.3f}",
            f"{each.true_probability:.3f}",
            f"{each.steps:,}",
        )
        for each in facts.mistakes
    ]
    header = ("sequence", "true class", "predicted", "probability", "of the true class", "steps")
    note = (
        f"{facts.wrong:,} of {count_noun(facts.scored, f'{facts.split} sequence')} have a wrong prediction. These are "
        "the ones of which the model was most certain. Look at their labels first."
    )
    content = table("Wrong predictions with the highest probability", header, rows, text_columns=3)
    return section("mistakes", "Most confident mistakes", note, content)


def calibration_section(facts: ClassFacts) -> Html:
    """Return the share of correct predictions by their probability."""
    confidence, accuracy = (
        np.array([row[name] for row in facts.reliability]) for name in ("confidence", "accuracy")
    )
    place, ends = Frame(x=(0.0, 1.0), y=(0.0, 1.0), height=HEIGHT + 40), np.array([0.0, 1.0])
    marks = [line(place, ends, ends, "ideal"), dots(place, confidence, accuracy, "model", radius=4)]
    places = [(value, f"{value:.1f}") for value in (0.1, 0.3, 0.5, 0.7, 0.9)]
    pairs = ", ".join(f"{one:.2f}: {other:.2f}" for one, other in zip(confidence, accuracy, strict=True))
    drawn = chart(
        place, f"Share of correct predictions by probability: {pairs}", places, *marks, y_ticks=places
    )
    rows = [
        (f"{row['from']:.1f} to {row['to']:.1f}", f"{row['share'] * facts.scored:,.0f}", *map(_share, values))
        for row, values in zip(facts.reliability, zip(confidence, accuracy, strict=True), strict=True)
    ]
    bins = table("Bins of the probability", ("probability", "sequences", "mean", "correct"), rows)
    note = (
        "Of the predictions with a probability of 0.8, 80 % should be correct. Dots below the dashed line are "
        "predictions that are too certain."
    )
    content = figure("Correct predictions by probability", drawn), figure("Bins", bins)
    return section("calibration", "Calibration", note, grid(*content))


def data_section(facts: ClassFacts) -> Html:
    """Return the lengths of the sequences, and the number of each class in each split."""
    steps, low, high = facts.steps, int(facts.steps.min()), int(facts.steps.max())
    width = -(-(high - low + 1) // MAX_BINS)
    edges = np.arange(low, high + width + 1, width) - 0.5
    counts = np.histogram(steps, edges)[0].astype(np.float64)
    place = frame([edges], [counts], HEIGHT, zero=True)
    ticks = [(float(value), f"{value:,.0f}") for value in np.unique(np.linspace(low, high, 5).round())]
    label = f"Number of sequences by their steps, {low} to {high}"
    marks = [
        bars(place, edges, counts, "model"),
        vertical(place, float(np.median(steps)), "origin", "median"),
    ]
    lengths = facts.lengths
    text = (
        f"{lengths['shortest']:g} to {lengths['longest']:g} steps in the file, median {lengths['median']:g}. The model "
        f"reads {facts.max_length:,} steps"
        + (f", and {count_noun(facts.cut, 'sequence')} are cut." if facts.cut else ".")
    )
    shown = {name: title for name, title in SPLITS.items() if facts.sequences[name]}
    rows: list[tuple[Child, ...]] = [
        (isolate(name), *(f"{counts[split]:,}" for split in shown))
        for name, counts in list(facts.class_counts.items())[:MAX_CLASSES]
    ]
    rows.append(("all", *(f"{facts.sequences[split]:,}" for split in shown)))
    classes = table("Sequences of each class", ("class", *shown.values()), rows)
    content = (
        figure("Lengths", chart(place, label, ticks, *marks), note=text),
        figure("Sequences of each class", classes),
    )
    note = f"The sequences of {len(facts.columns)} columns: {', '.join(facts.columns[:8])}."
    return section("data", "Data", note, grid(*content))


def model_section(facts: ClassFacts) -> Html:
    """Return the description of the model."""
    weights = facts.weights
    text = (
        f"{facts.model}. The probabilities are a weighted mean: the network has the weight "
        f"{weights['network']:.2f}, and the simple model {weights['simple']:.2f}."
    )
    return section("model", "Model", "Chosen by the validation sequences.", element("p", {}, prose(text)))
