"""Report of a classifier as a comment in Markdown for a pull request."""

from lstm_cli.evaluation.classification.names import METRICS as TITLES
from lstm_cli.reporting.classification.facts import METRICS, ClassFacts
from lstm_cli.reporting.markdown import code, details, escape_text, make_again, markdown_table, warning_list
from lstm_cli.wording import count_noun

MAX_MATRIX = 12  # classes of a matrix that fits in a comment
MAX_ROWS = 12


def class_comment(facts: ClassFacts) -> bytes:
    """Return the comment as UTF-8."""
    scores = markdown_table(
        ["", *(TITLES[name] for name in METRICS)],
        [[name, *(f"{values[metric]:.4f}" for metric in METRICS)] for name, values in facts.scores.items()],
    )
    classes = count_noun(len(facts.classes), "class", "classes")
    parts = [
        f"### Classification of sequences in {classes}",
        f"**{escape_text(facts.verdict)}**",
        f"{escape_text(facts.tested)} Run {code(facts.run)}, data {code(facts.source)}.",
        *(f"> {escape_text(note)}" for note in facts.notes),
        scores,
        "\n".join(f"- {escape_text(text)}" for text in facts.comparisons),
        warning_list(facts.warnings),
        details("Each class", _classes(facts)),
        details("Confusion matrix", _matrix(facts)) if len(facts.classes) <= MAX_MATRIX else "",
        details("Most confident mistakes", _mistakes(facts)) if facts.mistakes else "",
        details("Make it again", make_again(facts.made)),
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "replace")


def _classes(facts: ClassFacts) -> str:
    rows = [
        [
            _cell(str(row["class"])),
            f"{row['sequences']:,}",
            *("-" if row[name] is None else f"{row[name]:.3f}" for name in ("precision", "recall", "f1")),
        ]
        for row in facts.per_class[:MAX_ROWS]
    ]
    return markdown_table(["class", "sequences", "precision", "recall", "F1"], rows)


def _matrix(facts: ClassFacts) -> str:
    names = [_cell(name) for name in facts.classes]
    rows = [
        [name, *(f"{count:,}" for count in counts)]
        for name, counts in zip(names, facts.confusion.tolist(), strict=True)
    ]
    return markdown_table(["true / predicted", *names], rows)


def _mistakes(facts: ClassFacts) -> str:
    rows = [
        [_cell(each.name), _cell(each.truth), _cell(each.predicted), f"{each.confidence:.3f}"]
        for each in facts.mistakes
    ]
    return markdown_table(["sequence", "true class", "predicted", "probability"], rows)


def _cell(name: str) -> str:
    """Return a name as code in a cell of a table, in which a bar would end the cell."""
    return code(name).replace("|", "\\|")
