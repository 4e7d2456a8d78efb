"""Size of a text for a general compressor, a baseline of a text model."""

import lzma

PRESET = 9 | lzma.PRESET_EXTREME


def xz_bits(text: str, *, after: str) -> int:
    """Return the bits that a text adds to the text before it when `xz -9e` compresses both.

    Args:
        text: text.
        after: text that the compressor has seen, such as that of the training split.
    """
    return 8 * (_size(after + text) - _size(after))


def _size(text: str) -> int:
    # A checksum and the sizes of its blocks do not belong to the text.
    return len(lzma.compress(text.encode(), format=lzma.FORMAT_ALONE, preset=PRESET))
