"""Worker for darts: BlockRNNModel on all seven channels."""

import pandas as pd
import torch
from darts import TimeSeries
from darts.models import BlockRNNModel
from pace import Pace
from pytorch_lightning.callbacks import Callback
from task import BATCH, CHANNELS, DROPOUT, HIDDEN, HORIZON, LAYERS, LOOKBACK, ROWS, SAMPLE, parse_arguments


class Paced(Callback):
    """Callback that reports each training step."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def on_train_start(self, trainer: object, module: object) -> None:
        self.pace.begin()

    def on_train_batch_end(self, *_: object) -> None:
        self.pace.step()


def series() -> TimeSeries:
    table = pd.read_csv(SAMPLE, nrows=ROWS, parse_dates=["date"])
    values = table[CHANNELS]
    table[CHANNELS] = (values - values.mean()) / values.std()
    return TimeSeries.from_dataframe(table, "date", CHANNELS).astype("float32")


def model(epochs: int, callbacks: list[Callback]) -> BlockRNNModel:
    quiet = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}
    return BlockRNNModel(
        input_chunk_length=LOOKBACK, output_chunk_length=HORIZON, model="LSTM", hidden_dim=HIDDEN,
        n_rnn_layers=LAYERS, dropout=DROPOUT, batch_size=BATCH, n_epochs=epochs, random_state=0,
        pl_trainer_kwargs={"accelerator": "cpu", "callbacks": callbacks, **quiet},
    )  # fmt: skip


def main() -> None:
    options = parse_arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    path = f"{options.folder}/model.pt"
    if options.what == "save":
        made = model(1, [])
        made.fit(series()[:1000])
        made.save(path)
    elif options.what == "forecast":
        loaded = BlockRNNModel.load(path, pl_trainer_kwargs={"enable_progress_bar": False, "logger": False})
        print(loaded.predict(HORIZON, series=series()).values()[-1])
    else:
        model(10**6, [Paced(Pace(options.steps, BATCH, options.clock))]).fit(series())


main()
