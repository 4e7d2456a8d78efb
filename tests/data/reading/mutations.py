"""Random mutations of good files for `lstm prepare --json`: each mutated file is read or refused.

As a script (`make fuzz`), it runs as many mutations as the first argument gives, and prints the seeds that failed.
"""

import gzip
import random
import re
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from functools import cache
from pathlib import Path

from malformed import GOOD, VALUES, hour, panel, parquet, table
from outcomes import FILE, RUN, run_in_folder

SECONDS = 10  # of this process's own time that one file may take
SEPARATORS = (b",", b";", b"\t", b"|", b" ", b"\n", b"\r", b"\r\n", b'"', b".", b"-", b":", b"\0", b"")
PIECES = (
    b'"',
    b"\n",
    b"\0",
    b"\xff",
    b"\x1b[2J",
    b"nan",
    b"1e999",
    b",,",
    b"\xef\xbb\xbf",
    b"9999-12-31",
    b"=1+1",
)
BROKEN = re.compile(r"\w+(Error|Exception|Warning)\b|Traceback|\x1b")


@cache
def good_files() -> list[tuple[bytes, tuple[str, ...]]]:
    """Return five good files and their options. The third is compressed, before or after its mutation."""
    stamps = [f"{hour(row + row // 30).isoformat()}+0{1 + row // 30}:00" for row in range(60)]
    notes = ['"a; ""note""\nof two lines"' if row % 9 == 4 else "" for row in range(60)]
    noted = table("time;load;note", stamps, VALUES, notes, delimiter=";")
    months = table("month,load", (f"{1990 + row // 12}-{row % 12 + 1:02d}" for row in range(60)), VALUES)
    return [
        (GOOD.encode(), ()),
        (noted.encode("utf-16"), ()),
        (panel(["007", "NA", "Zürich"]).encode(), ("--series", "shop")),
        (months.replace("\n", "\r\n").encode("utf-8-sig"), ("--horizon", "2")),
        (parquet(40), ()),
    ]


def mutate(data: bytes, generator: random.Random) -> bytes:
    """Return the data after one to three changes: flip, cut, insert or repeat bytes, or swap a separator."""
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        at = generator.randrange(len(data) + 1)
        end = min(len(data), at + generator.choice((1, 1, 2, 4, 16, 64, 512, len(data))))
        match generator.randrange(5):
            case 0:
                data = (
                    data[:at]
                    + bytes(byte ^ 1 << generator.randrange(8) for byte in data[at : at + 1])
                    + data[at + 1 :]
                )
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + generator.choice((*PIECES, generator.randbytes(4))) + data[at:]
            case 3:
                data = data[:end] + data[at:end] * generator.choice((1, 1, 7)) + data[end:]
            case _:
                old, new = generator.sample(SEPARATORS[:-1], 1)[0], generator.choice(SEPARATORS)
                first = data.find(old, at)
                cut = first if first >= 0 else 0
                data = data[:cut] + data[cut:].replace(old, new, generator.choice((1, 1, 5, -1)))
    return data


def change(data: bytes, generator: random.Random, *, is_compressed: bool) -> bytes:
    """Return the mutated data. is_compressed: mutate before or (equally often) after gzip."""
    if not is_compressed:
        return mutate(data, generator)
    if generator.randrange(2):
        return gzip.compress(mutate(data, generator), mtime=0)
    return mutate(gzip.compress(data, mtime=0), generator)


def check_mutation(seed: int) -> str:
    """Return "read" or "refused" for a correct result of one mutation, or else the fault."""
    generator = random.Random(seed)
    data, options = good_files()[seed % 5]
    data = change(data, generator, is_compressed=seed % 5 == 2)
    with tempfile.TemporaryDirectory() as folder:
        signal.signal(signal.SIGVTALRM, _too_long)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            code, out, err, left = run_in_folder(Path(folder), FILE, data, options)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if code not in (0, 3):
        return f"exit {code}: {err[-2000:]}"
    if BROKEN.search(err):
        return f"said: {err[-2000:]}"
    if code == 0:
        return "read" if out.count("\n") == 1 and left == [RUN] else f"left: {left}"
    return "refused" if (out, left, err.count("\n")) == ("", [], 2) else f"left: {left}, said: {err}"


def _too_long(signum: int, frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)
    began, answers = time.perf_counter(), Counter()
    for seed in range(int(sys.argv[1])):
        answer = check_mutation(seed)
        answers[answer if answer in ("read", "refused") else "wrong"] += 1
        if answer not in ("read", "refused"):
            print(f"seed {seed}: {answer}")
    counts = ", ".join(f"{answers[kind]:,} {kind}" for kind in ("read", "refused", "wrong"))
    print(f"{answers.total():,} mutations in {time.perf_counter() - began:.0f} s: {counts}")
    sys.exit(bool(answers["wrong"]))
