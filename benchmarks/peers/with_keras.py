"""Worker for keras on TensorFlow: two LSTM layers and a dense one on all seven channels."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view
from pace import Pace
from task import BATCH, CHANNELS, DROPOUT, HIDDEN, HORIZON, LOOKBACK, ROWS, SAMPLE, parse_arguments


class Paced(keras.callbacks.Callback):
    """Callback that reports each training step."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def on_train_begin(self, logs: object = None) -> None:
        self.pace.begin()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.pace.step()


def windows() -> tuple[np.ndarray, np.ndarray]:
    rows = np.loadtxt(SAMPLE, delimiter=",", skiprows=1, usecols=range(1, 8), max_rows=ROWS, dtype=np.float32)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    past = np.swapaxes(sliding_window_view(rows[:-HORIZON], LOOKBACK, axis=0), 1, 2)
    target = np.swapaxes(sliding_window_view(rows[LOOKBACK:], HORIZON, axis=0), 1, 2)
    return past.copy(), target.copy()


def model() -> keras.Model:
    width = len(CHANNELS)
    layers = [
        keras.Input((LOOKBACK, width)),
        keras.layers.LSTM(HIDDEN, return_sequences=True),
        keras.layers.Dropout(DROPOUT),
        keras.layers.LSTM(HIDDEN),
        keras.layers.Dropout(DROPOUT),
        keras.layers.Dense(HORIZON * width),
        keras.layers.Reshape((HORIZON, width)),
    ]
    made = keras.Sequential(layers)
    made.compile(optimizer=keras.optimizers.AdamW(1e-3, clipnorm=1.0), loss="mae")
    return made


def main() -> None:
    options = parse_arguments()
    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    path = f"{options.folder}/model.keras"
    if options.what == "save":
        model().save(path)
    elif options.what == "forecast":
        past, _ = windows()
        print(keras.saving.load_model(path).predict(past[-1:], verbose=0)[0, -1])
    else:
        past, target = windows()
        paced = Paced(Pace(options.steps, BATCH, options.clock))
        model().fit(past, target, batch_size=BATCH, epochs=10**6, verbose=0, callbacks=[paced])


main()
