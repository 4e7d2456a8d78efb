"""How many digits a number has: of 32-bit floats the fewest that tell them apart, of a file's column its decimals."""

import numpy as np

from lstm_cli.data.chunks import row_chunks

MANTISSA_BITS = 24  # bits of a 32-bit float's mantissa
MIN_DIGITS = 6  # significant digits that every 32-bit float tells apart
MAX_DIGITS = 10  # that are tried: nine suffice, one more where a logarithm is off by one
MAX_EXPONENT = 290  # decimal, to either side: beyond them the powers of ten end
MAX_DECIMALS = (
    9  # of a file's column at most: with more its cells are computed, and no 32-bit float tells so many
)
WHOLE_NUMBERS_FROM = 2.0**53  # from here on a 64-bit float has no decimals
POWERS = np.array([float(f"1e{power}") for power in range(309)])


def number_texts(values: np.ndarray, decimals: int = 0) -> list[str]:
    """Return numbers [n] as text, with the fewest digits that give the same 32-bit float, but at least `decimals`.

    Forecasts are 32-bit floats before their scaling is undone. Where that asks for fewer decimals than the file has,
    the 64-bit number is rounded to the file's: a small change on a high level is not rounded away.
    """
    short, needed = shortest_decimals(values)
    # In one go: a call for each takes twice as long.
    texts = ("%.15g\n" * len(short) % tuple(short.tolist())).split()
    places = np.flatnonzero((needed < decimals) & (np.abs(values) < 1e15))
    exact = values[places] + 0.0  # no -0
    padded = (f"%.{decimals}f\n" * len(places) % tuple(exact.tolist())).split()
    for place, text in zip(places.tolist(), padded, strict=True):
        texts[place] = text
    return texts


def shortest_decimals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for numbers [n] the shortest decimals that give the same 32-bit floats, and how many decimals they have.

    Both [n]: float64, and int64 (negative for tens, hundreds and so on). "The same float" means the same 24 bits of
    mantissa, so that numbers beyond the exponents of a 32-bit float count too.
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
    """Multiply by powers of ten; a single rounding where the power is exact, up to 22."""
    factors = POWERS[np.abs(powers)]
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
    """Return how many decimals the numbers of a file's column [R] have, NaN left out; 0 where they are computed.

    They are found from the numbers, since one rule then serves CSV and Parquet: zeros at the end do not count.
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
