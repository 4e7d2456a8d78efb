"""Digits of numbers: shortest text of 32-bit floats, and decimals of a file's column."""

import numpy as np

from lstm_cli.data.chunks import row_chunks

MANTISSA_BITS = 24  # mantissa bits of a 32-bit float
MIN_DIGITS = 6  # significant digits that each 32-bit float preserves
MAX_DIGITS = 10  # nine digits are enough, plus one in case the logarithm is off by one
MAX_EXPONENT = 290  # decimal exponent, positive or negative, up to which powers of ten are safe
MAX_DECIMALS = 9  # a column with more decimals is computed, and no 32-bit float preserves more
WHOLE_NUMBERS_FROM = 2.0**53  # 64-bit floats of this size or larger have no decimals
POWERS = np.array([float(f"1e{power}") for power in range(309)])


def number_texts(values: np.ndarray, decimals: int = 0) -> list[str]:
    """Return numbers [n] as the shortest text that gives the same 32-bit float, with at least `decimals` decimals.

    Forecasts are 32-bit floats before unscaling. If the shortest text has fewer decimals than the file, the 64-bit
    number is rounded to the file's decimals. So a small change on a high level stays visible.
    """
    short, needed = shortest_decimals(values)
    # One call for all numbers is twice as fast as a call for each.
    texts = ("%.15g\n" * len(short) % tuple(short.tolist())).split()
    indices = np.flatnonzero((needed < decimals) & (np.abs(values) < 1e15))
    exact = values[indices] + 0.0  # turns -0 into 0
    padded = (f"%.{decimals}f\n" * len(indices) % tuple(exact.tolist())).split()
    for index, text in zip(indices.tolist(), padded, strict=True):
        texts[index] = text
    return texts


def shortest_decimals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest numbers with the same 32-bit floats as numbers [n], and their counts of decimals.

    Both results are [n]: float64, and int64 (negative for tens, hundreds and so on). Only the 24 bits of mantissa
    must match, so numbers outside the exponent range of a 32-bit float are included.
    """
    short, needed = values + 0.0, np.zeros(len(values), dtype=np.int64)
    size = np.abs(values)
    regular = (size > 10.0**-MAX_EXPONENT) & (size < 10.0**MAX_EXPONENT)
    pending = np.flatnonzero(regular)
    bits = _round_to_float32(values)
    exponent = np.zeros(len(values), dtype=np.int64)
    exponent[pending] = np.floor(np.log10(size[pending])).astype(np.int64)
    for digits in range(MIN_DIGITS, MAX_DIGITS + 1):
        shift = digits - 1 - exponent[pending]
        whole = np.rint(_multiply_by_powers(bits[pending], shift))
        back = _multiply_by_powers(whole, -shift)
        short[pending] = back
        needed[pending] = shift - _count_trailing_zeros(whole)
        pending = pending[_round_to_float32(back) != bits[pending]]
        if not len(pending):
            break
    return short, needed


def _round_to_float32(values: np.ndarray) -> np.ndarray:
    """Round float64 to the mantissa of a 32-bit float."""
    mantissa, exponent = np.frexp(values)
    rounded: np.ndarray = np.ldexp(np.rint(np.ldexp(mantissa, MANTISSA_BITS)), exponent - MANTISSA_BITS)
    return rounded


def _multiply_by_powers(values: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """Multiply by powers of ten. Powers up to 22 are exact, so only one rounding occurs."""
    factors = POWERS[np.abs(powers)]
    with np.errstate(over="ignore"):  # in the half that is not used
        return np.where(powers >= 0, values * factors, values / factors)


def _count_trailing_zeros(whole: np.ndarray) -> np.ndarray:
    """Count the zeros at the end of whole numbers [n] other than 0."""
    rest, zeros = np.abs(whole), np.zeros(len(whole), dtype=np.int64)
    ending = np.flatnonzero(rest % 10 == 0)
    while len(ending):
        rest[ending] /= 10
        zeros[ending] += 1
        ending = ending[rest[ending] % 10 == 0]
    return zeros


def column_decimals(column: np.ndarray) -> int:
    """Return the number of decimals of a file's column [R] without its NaN, or 0 if the column is computed.

    The numbers themselves show it, so CSV and Parquet share one rule. Trailing zeros do not count.
    """
    decimals = 0
    for span in row_chunks(len(column)):
        values = column[span]
        values = values[~np.isnan(values)]
        while len(values):
            scale = POWERS[decimals]
            scaled = values * scale
            values = values[(np.rint(scaled) / scale != values) & (np.abs(scaled) < WHOLE_NUMBERS_FROM)]
            decimals += bool(len(values))
            if decimals > MAX_DECIMALS:
                return 0
    return decimals
