"""Formats of numbers in text: decimal and thousands marks, units, multipliers, and codes for a missing value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lstm_cli.data.locations import MISSING_WORDS
from lstm_cli.wording import is_number

# Thousands marks of several characters that look alike, such as the blanks of French numbers.
_LOOK_ALIKES = {" ": " \u00a0\u202f", "'": "'\u2019"}
_MULTIPLIERS = {"": "", "K": "e3", "k": "e3", "M": "e6", "B": "e9"}
# A unit is made of words such as kWh, m², US$ or %. The exponents 2 and 3 are its only digits.
_WORD = "(?:[^\\W\\d_]|[%\uff05\u2030\u00b0$\u00a2-\u00a5\u20a0-\u20cf])+"
_POWER = r"(?:(?<=[mtn])\^?[23])?"
_UNIT = rf"{_WORD}{_POWER}(?:(?:\s?[/\u00b7*]\s?|\s){_WORD}{_POWER}){{0,3}}\.?"
# Groups of two digits before the last group of three: lakhs and crores of Indian numbers, such as 2,42,525.
_INDIAN = "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
_MAX_CHARS = 400  # a longer cell is not a number with a unit, and would take long to compare
INFINITE = ("inf", "+inf", "-inf")
_PARENTHESES = re.compile(r"(\D*)\(([^()]*\d[^()]*)\)(\D*)")


@dataclass(frozen=True, kw_only=True)
class NumberFormat:
    """Format of the numbers in a column of text."""

    decimal: str = "."
    thousands: str = ""  # "" for none
    units: bool = False  # numbers may have a unit, a multiplier (K, M, B) or parentheses for a minus sign
    na_values: tuple[str, ...] = ()  # codes for a missing value, besides the usual words

    @property
    def has_plain_numbers(self) -> bool:
        """Return whether the numbers are plain decimals, as `is_number` has them."""
        return self.decimal == "." and not self.thousands and not self.units

    @property
    def flags(self) -> str:
        """Return the options for the marks of the numbers, as a command has them; "" for plain numbers."""
        usual = self.units and (self.decimal, self.thousands) == (".", ",")
        parts = (
            f"--decimal {quote_mark(self.decimal)}" if self.decimal != "." else "",
            f"--thousands {quote_mark(self.thousands)}" if self.thousands and not usual else "",
            "--units" if self.units else "",
        )
        return " ".join(filter(None, parts))

    @cached_property
    def na_texts(self) -> frozenset[str]:
        """Return the codes for a missing value."""
        return frozenset(code.strip() for code in self.na_values)

    @cached_property
    def na_numbers(self) -> tuple[float, ...]:
        """Return the codes that are numbers, in this format or as plain decimals."""
        return tuple(float(text) for text in map(self._code_number, self.na_texts) if text is not None)

    @cached_property
    def na_stored_numbers(self) -> tuple[float, ...]:
        """Return the codes as numbers of a typed column, which can hold infinite ones: inf and -inf too."""
        return self.na_numbers + tuple(float(text) for text in self.na_texts if text.lower() in INFINITE)

    @property
    def na_words(self) -> frozenset[str]:
        """Return the codes that are not numbers."""
        return frozenset(text for text in self.na_texts if self._code_number(text) is None)

    def _code_number(self, code: str) -> str | None:
        text = self.split(code)
        return text[0] if text is not None else code if is_number(code) else None

    def is_missing(self, cell: str) -> bool:
        """Return whether a cell is a missing value: empty, a word for missing, or one of the codes."""
        return self.is_missing_text(cell) or self._equals_code(cell)

    def is_missing_text(self, cell: str) -> bool:
        """Return whether a cell is a missing value by its text; a code that is a number also has other texts."""
        text = cell.strip()
        return text.lower() in MISSING_WORDS or text in self.na_texts

    def _equals_code(self, cell: str) -> bool:
        number = self.split(cell) if self.na_numbers else None
        return number is not None and float(number[0]) in self.na_numbers

    def split(self, cell: str) -> tuple[str, str] | None:
        """Return a number as a plain decimal, and its unit ("" for none); None if the cell is not a number.

        >>> NumberFormat(decimal=",", thousands=".").split("1.234,5")
        ('1234.5', '')
        >>> NumberFormat(thousands=",", units=True).split("($1.5K)")
        ('-1.5e3', '$')
        """
        cell = cell.strip()
        if self.units:
            return self._split_unit(cell)
        return (self._plain(cell), "") if self._number.fullmatch(cell) else None

    def split_all(self, cells: Sequence[str]) -> tuple[list[str], str] | None:
        """Return numbers that all have one unit as plain decimals, and the unit; None if `split` must read each.

        This is fast, because only the first cell is searched for a unit.
        """
        stripped = list(map(str.strip, cells))
        unit = ""
        if self.units and stripped:
            first = self._number_with_unit.fullmatch(stripped[0])
            if first is None or first["multiplier"]:
                return None
            before, after = (
                stripped[0][: first.start("number")].rstrip("+-"),
                stripped[0][first.end("number") :],
            )
            inner = [cell.removeprefix(before).removesuffix(after) for cell in stripped]
            if set("+-") & set(before) or any(
                len(cell) - len(number) != len(before) + len(after) or (before and number.startswith("."))
                for cell, number in zip(stripped, inner, strict=True)
            ):
                return None
            stripped, unit = inner, _unit_of(first)
        if not all(map(self._number.fullmatch, stripped)):
            return None
        return self._plain("\n".join(stripped)).split("\n") if stripped else [], unit

    def _plain(self, text: str) -> str:
        return text.translate(self._translation)

    @cached_property
    def _translation(self) -> dict[int, str]:
        return {**{ord(mark): "" for mark in self._thousands_marks}, ord(self.decimal): "."}

    @property
    def _thousands_marks(self) -> str:
        return _LOOK_ALIKES.get(self.thousands, self.thousands)

    @cached_property
    def _unsigned(self) -> str:
        """Return the pattern of a number without a sign. Thousands are whole groups of digits."""
        mark = re.escape(self.decimal)
        digits = "[0-9]+"
        if self.thousands:
            indian = f"|{_INDIAN}" if self.thousands == "," else ""
            groups = f"[1-9][0-9]{{0,2}}(?:[{re.escape(self._thousands_marks)}][0-9]{{3}})+"
            digits = f"(?:{groups}{indian}|{digits})"
        return rf"(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"

    @cached_property
    def _number(self) -> re.Pattern[str]:
        return re.compile(rf"[+-]?{self._unsigned}")

    @cached_property
    def _number_with_unit(self) -> re.Pattern[str]:
        return re.compile(
            rf"(?P<sign>[+-]?)\s*(?P<before>(?:{_WORD}\.?)?)\s*(?P<inner_sign>[+-]?)(?P<number>{self._unsigned})"
            rf"\s*(?P<multiplier>(?:[KkMB](?![^\W\d_]))?)\s*(?P<after>(?:{_UNIT})?)"
        )

    def _split_unit(self, cell: str) -> tuple[str, str] | None:
        if len(cell) > _MAX_CHARS:
            return None
        parentheses = _PARENTHESES.fullmatch(cell)
        found = self._number_with_unit.fullmatch("".join(parentheses.groups()) if parentheses else cell)
        if found is None:
            return None
        signs = ["-"] * bool(parentheses) + [found[name] for name in ("sign", "inner_sign") if found[name]]
        number, power = self._plain(found["number"]), _MULTIPLIERS[found["multiplier"]]
        if len(signs) > 1 or (power and "e" in number.lower()):
            return None
        return f"{''.join(signs)}{number}{power}", _unit_of(found)


def _unit_of(found: re.Match[str]) -> str:
    return " ".join(filter(None, (found["before"], found["after"])))


PLAIN_NUMBERS = NumberFormat()


def quote_mark(mark: str) -> str:
    """Return a decimal or thousands mark, quoted for a shell if it must be."""
    return mark if mark in ".,_" else f'"{mark}"' if mark == "'" else f"'{mark}'"
