"""Text that a spreadsheet would take for a formula: an apostrophe is put before it, and taken off again."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(text: str) -> str:
    """Text that a spreadsheet cannot take for a formula; the reader takes the apostrophe off again."""
    return f"'{text}" if text[:1] in FORMULA else text


def unescape_formula(cell: str) -> str:
    """A text cell without blanks around it and without the apostrophe that keeps it from being a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
