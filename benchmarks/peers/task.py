"""Task of all peers: ETTh1, 96 steps from 96, two LSTM layers of 64, batches of 256."""

import argparse
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ETTh1.csv"
CHANNELS = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]
ROWS = 8640  # training rows
LOOKBACK = HORIZON = 96
HIDDEN, LAYERS, DROPOUT, BATCH = 64, 2, 0.2, 256


def parse_arguments() -> argparse.Namespace:
    """Return the arguments.

    `save FOLDER` trains a few steps and saves the model. `forecast FOLDER` loads it and forecasts. `train` trains steps
    as pace.py describes.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("save", "forecast", "train"))
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    return parser.parse_args()
