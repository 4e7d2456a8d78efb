"""Tests of the choice of tokens. The numbers are worked out by hand."""

import numpy as np
import pytest

from lstm_cli.text.sampling import make_sampler

# Probabilities of the tokens 0 to 4; token 0 is unknown and is never chosen.
SHARES = np.array([0.0, 0.4, 0.3, 0.2, 0.1])


def chosen_shares(*, calls: int = 50, logits: np.ndarray | None = None, **options: object) -> np.ndarray:
    """Return how often each token is chosen, in some calls for 400 samples each."""
    with np.errstate(divide="ignore"):
        row = np.log(SHARES) if logits is None else logits
    row = row.astype(np.float32)
    row[0] = 50  # the most probable of all, if it counted
    sampler = make_sampler(seed=3, samples=range(400), **options)  # type: ignore[arg-type]
    picked = run(sampler, np.tile(row, (400, 1)), calls)
    return np.bincount(picked.ravel(), minlength=len(SHARES)) / picked.size


def run(sampler: object, rows: np.ndarray, steps: int = 1_100) -> np.ndarray:
    """Return the tokens [steps, B] that a sampler chooses."""
    return np.stack([sampler(rows.copy()) for _ in range(steps)])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"temperature": 1.0}, SHARES),
        # 0.4^2, 0.3^2, 0.2^2 and 0.1^2 over their sum 0.3
        ({"temperature": 0.5}, [0, 16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"temperature": 1.0, "top_k": 2}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"temperature": 1.0, "top_k": 9}, SHARES),
        # 0.4 is not enough for 0.6, 0.4 + 0.3 is
        ({"temperature": 1.0, "top_p": 0.6}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"temperature": 1.0, "top_p": 0.3}, [0, 1, 0, 0, 0]),
        ({"temperature": 1.0, "top_p": 1.0}, SHARES),
        # top-k leaves 4/7 and 3/7, of which the first has more than half
        ({"temperature": 1.0, "top_k": 2, "top_p": 0.5}, [0, 1, 0, 0, 0]),
        ({"temperature": 0.0}, [0, 1, 0, 0, 0]),
        ({"temperature": 1e-30}, [0, 1, 0, 0, 0]),
    ],
)
def test_the_tokens_have_their_shares(options, expected):
    # Four standard deviations of a share of 0.5 in 20,000 draws.
    np.testing.assert_allclose(chosen_shares(**options), expected, atol=4 * 0.5 / 20_000**0.5)


def test_top_k_keeps_tokens_that_are_as_probable_as_the_last_one():
    shares = chosen_shares(temperature=1.0, top_k=1, logits=np.array([0.0, 1.0, 2.0, 2.0, 0.0]))
    assert shares[2] + shares[3] == 1
    assert 0.4 < shares[2] < 0.6


def test_the_same_seed_gives_the_same_tokens_and_more_samples_keep_the_first_ones():
    row = np.zeros((1, 30), dtype=np.float32)
    one = run(make_sampler(temperature=1.0, seed=5), row)
    again = run(make_sampler(temperature=1.0, seed=5), row)
    three = run(make_sampler(temperature=1.0, seed=5, samples=range(3)), np.tile(row, (3, 1)))
    later = run(make_sampler(temperature=1.0, seed=5, samples=range(2, 3)), row)
    other = run(make_sampler(temperature=1.0, seed=6), row)
    assert (one == again).all()
    assert (three[:, :1] == one).all()
    assert (three[:, 2:] == later).all()
    assert (three[:, 0] != three[:, 1]).any()
    assert (one != other).any()


def test_very_large_logits_do_not_overflow():
    rows = np.array([[0.0, 1e4, -1e4]], dtype=np.float32)
    assert make_sampler(temperature=2e-4)(rows).tolist() == [1]
