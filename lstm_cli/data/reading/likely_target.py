"""Choice of the column that an error about a missing `--target` gives as an example."""

import re
from collections.abc import Sequence

# Words in the names of usual targets, the most usual ones first.
_TARGETS = (
    "y target value values sales demand load consumption price close revenue quantity qty amount volume count cnt "
    "passengers visits traffic usage power energy output production temperature temp"
).split()
# Words in the names of columns that are rarely forecast, although they hold numbers.
_LABELS = frozenset(
    "id index idx no nr num number code key row column unnamed year month week day hour minute weekday quarter "
    "lat latitude long lon lng longitude store shop dept department item sku product region country city flag holiday"
    .split()
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def likely_target(names: Sequence[str]) -> str:
    """Return the name of the numeric column that is the most likely target.

    It has the word of a usual target, such as sales. Otherwise it is the first column without the word of a label,
    such as id.

    >>> likely_target(["store_id", "promo", "Weekly_Sales"]), likely_target(["id", "Ir", "Ta"])
    ('Weekly_Sales', 'Ir')
    """
    words = [{word.lower() for word in _WORD.findall(name)} for name in names]
    for target in _TARGETS:
        for name, found in zip(names, words, strict=True):
            if target in found and not found & _LABELS:
                return name
    return next((name for name, found in zip(names, words, strict=True) if not found & _LABELS), names[0])
