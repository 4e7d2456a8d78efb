"""Escaping of text that a spreadsheet would run as a formula, with a leading apostrophe."""

from lstm_cli.wording import is_number

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(text: str) -> str:
    """Return the text with a leading apostrophe if a spreadsheet would read it as a formula, but not before -1."""
    return f"'{text}" if text[:1] in FORMULA and not is_number(text) else text


def unescape_formula(cell: str) -> str:
    """Return a text cell without surrounding blanks and without the apostrophe of `escape_formula`."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
