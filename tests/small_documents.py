"""Small labelled documents for tests: the label follows from one word of the document."""

import random
from pathlib import Path

WORDS = {
    "good": ("good", "great", "lovely", "fine", "happy", "nice"),
    "bad": ("bad", "poor", "awful", "sad", "ugly", "nasty"),
}
OTHER_WORDS = ("the", "a", "film", "was", "it", "and", "we", "saw", "in", "town", "today", "with")


def reviews(path: Path, count: int = 80, *, seed: int = 0) -> Path:
    """Write reviews of 3 to 9 words with the columns id, review, mood and author."""
    source = random.Random(seed)
    lines = ["id,review,mood,author"]
    for number in range(count):
        mood = ("good", "bad")[number % 2]
        words = source.choices(OTHER_WORDS, k=source.randint(2, 8))
        words.insert(source.randrange(len(words)), source.choice(WORDS[mood]))
        lines.append(f'r{number},"{" ".join(words)}",{mood},a{number % 8}')
    path.write_text("\n".join(lines) + "\n")
    return path
