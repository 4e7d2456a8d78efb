"""Generator of docs/reference/data-rules.md: `python tests/rules_page.py` writes the page from the rules."""

from pathlib import Path

from lstm_cli.rules import RULES

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "data-rules.md"
ABOUT = """# Rules

Each rule has an id, which its messages show: `warning[D516]: ...`. An id never changes its meaning.

- An *error* means that the data are refused (exit code 3; D901: 7). The hint below the message says how to correct
  the data.
- A *warning* reports a guess, a repair or a doubt. The data are read. If an option changes the outcome, the message
  names it.
- A *note* is printed by `lstm check` only.

`--ignore D516` hides a warning or a note. To ignore several rules, repeat the option, or write `--ignore D516,D705`,
`LSTM_IGNORE=D516,D705`, or `ignore = ["D516", "D705"]` in the file of `--config`. Errors cannot be ignored. The JSON
of `--json` also contains ignored findings: `warnings` has the sentences, and `findings` has them as objects.

Ids that begin with D1 are about files, D2 columns, D3 numbers, D4 times, D5 the time grid, D6 splits and scaling, D7
the quality of the data, D8 forecasts from new data, D9 memory, and M models.

| id | severity | meaning |
| --- | --- | --- |
"""


def page() -> str:
    """Return the text of the page."""
    rows = (f"| {rule} | {about.severity} | {about.meaning} |" for rule, about in RULES.items())
    return ABOUT + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
