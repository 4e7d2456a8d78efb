"""A range test of every network that a config would train."""

from collections.abc import Callable
from dataclasses import replace

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.config.train import CHOICES
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.events import Listener, Noted
from lstm_cli.training.abreast import abreast
from lstm_cli.training.batches import DeviceWindows
from lstm_cli.training.choices import Start, settle
from lstm_cli.training.device import choose_device
from lstm_cli.training.parts import network_of, part_plan, part_windows, work_on
from lstm_cli.training.plan import Plan, plan_training
from lstm_cli.training.precision import settle_precision
from lstm_cli.training.range_test import RangeTest, run_range_test
from lstm_cli.training.segment import chosen_parts
from lstm_cli.training.stacked import network_settings, new_network

Network = tuple[str, torch.nn.Module, DeviceWindows, Plan]  # the part's name, and what it would be trained on


def find_rates(
    dataset: Dataset,
    config: TrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> list[RangeTest]:
    """The range tests of the networks, on the training windows alone: one a network that the config names.

    Same data, config and machine, same result, whatever number of threads. Raises DeviceError, DataError,
    TrainingDiverged, Interrupted.
    """
    device = choose_device(config.device)
    config = replace(config, precision=settle_precision(config, device)[0])
    start = settle(dataset, config, workers=threads, should_stop=should_stop, listen=listen)
    for name, reason in start.choices.items():
        listen(Noted(text=f"{CHOICES.get(name, name)} {reason}"))
    if config.model == "stacked":
        networks = [_stacked(start, config, device)]
    else:
        networks = _parts(start, config, device, listen, should_stop)
    tasks = [_task(network, listen) for network in networks]
    return abreast(tasks, workers=threads if device.type == "cpu" else 1, should_stop=should_stop)


def _stacked(start: Start, config: TrainConfig, device: torch.device) -> Network:
    windows = DeviceWindows(split_windows(start.dataset, "train"), device)
    network = new_network(network_settings(start.dataset, config), config).to(device)
    plan = plan_training(config, windows=len(windows), targets=start.dataset.targets)
    return config.model, network, windows, plan


def _parts(
    start: Start,
    config: TrainConfig,
    device: torch.device,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> list[Network]:
    work = work_on(start, config, device=device, workers=1, listen=listen, should_stop=should_stop)
    plan = part_plan(work)
    return [
        (
            part,
            network_of(work, part, start.linear, plan.seed),
            DeviceWindows(part_windows(work, "train", part), device),
            plan,
        )
        for part in chosen_parts(config)
        if part != "linear"
    ]


def _task(network: Network, listen: Listener) -> Callable[[Callable[[], int | None]], RangeTest]:
    part, model, windows, plan = network

    def run(should_stop: Callable[[], int | None]) -> RangeTest:
        return run_range_test(model, windows, plan, part=part, listen=listen, should_stop=should_stop)

    return run
