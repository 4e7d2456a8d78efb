"""Worker for neuralforecast: its LSTM forecasts one channel, with the six others as past covariates."""

import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM
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


def table() -> pd.DataFrame:
    read = pd.read_csv(SAMPLE, nrows=ROWS, parse_dates=["date"]).rename(columns={"date": "ds", "OT": "y"})
    return read.assign(unique_id="load")


def model(steps: int, callbacks: list[Callback]) -> NeuralForecast:
    lstm = LSTM(
        h=HORIZON, input_size=LOOKBACK, encoder_n_layers=LAYERS, encoder_hidden_size=HIDDEN, encoder_dropout=DROPOUT,
        hist_exog_list=CHANNELS[:-1], recurrent=False, max_steps=steps, windows_batch_size=BATCH, batch_size=1,
        scaler_type="standard", random_seed=0, accelerator="cpu", callbacks=callbacks,
        enable_progress_bar=False, logger=False, enable_checkpointing=False,
    )  # fmt: skip
    return NeuralForecast(models=[lstm], freq="h")


def main() -> None:
    options = parse_arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.what == "save":
        made = model(3, [])
        made.fit(table())
        made.save(options.folder, save_dataset=True, overwrite=True)
    elif options.what == "forecast":
        print(NeuralForecast.load(options.folder).predict().tail(1))
    else:
        model(10**9, [Paced(Pace(options.steps, BATCH, options.clock))]).fit(table())


main()
