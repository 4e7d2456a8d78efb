"""Tests of available memory, and of the refusal of work that needs more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_cli import system_memory
from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.quality.seasonality import automatic_lookback
from lstm_cli.errors import DeviceError
from lstm_cli.steps.check.training_cost import estimate_training_cost
from lstm_cli.steps.shared import array_sizes
from lstm_cli.steps.shared.array_sizes import ArraySizes, TrainingSizes
from lstm_cli.steps.shared.memory_estimate import train_need

MB = 1 << 20


def write_machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MACHINE = {"proc/meminfo": "MemTotal: 99 kB\nMemAvailable:    8192000 kB\n"}


def test_the_memory_of_the_machine(tmp_path: Path) -> None:
    assert system_memory.available_memory(write_machine(tmp_path, MACHINE)) == 8192000 * 1024
    assert system_memory.available_memory(tmp_path / "nothing") is None


def test_control_groups_and_their_parents(tmp_path: Path) -> None:
    groups = {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/memory.max": f"{900 * MB}\n",
        "sys/fs/cgroup/user/memory.current": f"{500 * MB}\n",
        "sys/fs/cgroup/user/memory.stat": f"anon 5\ninactive_file {100 * MB}\n",
        "sys/fs/cgroup/user/job/memory.max": "max\n",
        "sys/fs/cgroup/user/job/memory.current": f"{500 * MB}\n",
    }
    assert system_memory.available_memory(write_machine(tmp_path, MACHINE | groups)) == 500 * MB


def test_a_control_group_of_version_1(tmp_path: Path) -> None:
    group = {
        "proc/self/cgroup": "8:pids:/x\n4:memory:/docker/abc\n0::/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{300 * MB}\n",  # as seen from a container
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{250 * MB}\n",
        "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {20 * MB}\n",
    }
    assert system_memory.available_memory(write_machine(tmp_path, MACHINE | group)) == 70 * MB
    group["sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n"
    assert system_memory.available_memory(write_machine(tmp_path, MACHINE | group)) == 8192000 * 1024


def test_a_limit_of_the_address_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (700 * MB, resource.RLIM_INFINITY))
    files = MACHINE | {"proc/self/statm": f"{300 * MB // resource.getpagesize()} 1 1\n"}
    assert system_memory.available_memory(write_machine(tmp_path, files)) == 400 * MB


def test_the_error_has_the_needed_and_the_available_memory() -> None:
    with pytest.raises(DeviceError) as caught:
        system_memory.require_memory(
            3_000_000_000, doing="training", hint="use less", have=lambda **_: 2_000_000_000
        )
    assert caught.value.message == "training needs about 3.0 GB of memory, but only 2.0 GB is free"
    assert (caught.value.exit_code, caught.value.hint) == (7, "use less")
    system_memory.require_memory(1_700_000_000, doing="training", hint="", have=lambda **_: 2_000_000_000)
    system_memory.require_memory(3_000_000_000, doing="training", hint="", have=lambda **_: None)


def test_the_memory_of_a_training_grows_with_its_settings() -> None:
    from small_data import dataset, wave

    data = dataset([wave(400)], train_end=[300], val_end=[350])
    config = TrainConfig(model="stacked", hidden=(64, 64), batch_size=64)
    plain = train_need(data.schema, data.series, config)
    assert 360e6 < plain.size < 400e6  # torch, and almost no data
    long = replace(data.schema, lookback=1_000_000, pad=True)
    need = train_need(long, data.series, config)
    # 64 windows of a million steps, 12 floats for each of 128 outputs: 393 GB. The regressions need 64 TB.
    assert need.size > 393e9
    network = train_need(replace(data.schema, lookback=1_500, pad=True), data.series, config)
    assert "--batch-size below 64" in network.hint
    shared = train_need(replace(data.schema, lookback=1_500, pad=True), data.series, config, processes=4)
    assert shared.size - plain.size < 0.3 * (network.size - plain.size)  # each has a quarter of the batch
    wide = train_need(data.schema, data.series, replace(config, hidden=(2048, 2048), bidirectional=True))
    assert wide.size - plain.size == 4 * 64 * 8 * 12 * (2 * 2 * 2048 - 128)


SIZES = TrainingSizes(
    rows=1_000,
    inputs=3,
    columns=3,
    targets=2,
    horizon=10,
    lookback=50,
    reach=100,
    regressions=(50, 100),
    segments=4,
    train=600,
    val=100,
    blocks=2,
)


def test_the_memory_of_the_linear_forecast_computed_by_hand() -> None:
    # Per row: inputs and their mask, then target, removed level and mask of the target.
    row = 100 * (4 + 1) + 10 * (4 + 4 + 1)
    rows = (600 * 2 + 2 * 100 * 2) * row  # two targets: training rows, and the rows of two validation blocks
    solved = 2 * 12 * 4 * (50 + 100) * (1 + 10)  # two blocks, two kinds and six penalties, float32 [K, 1 + H]
    summing = 1_200 * (row + 110 * 12)
    assert summing > max(2 * 8 * 100 * (100 + 20), 200 * (2 * 4 * 100 + 3 * 8 * 10))
    # The memory of a thread counts twice up to 60 MB, because the C library does not return freed memory.
    assert array_sizes.linear_bytes(SIZES) == rows + solved + 2 * 2 * summing


def test_the_memory_of_the_linear_forecast_is_bounded_for_any_data() -> None:
    large = replace(SIZES, rows=10**9, train=10**9, val=10**8)
    larger = replace(large, rows=10**10, train=10**10, val=10**9, targets=300)
    assert array_sizes.linear_bytes(large) == array_sizes.linear_bytes(larger) < 400e6


def test_the_memory_of_windows_and_networks_computed_by_hand() -> None:
    assert array_sizes.network_bytes(SIZES, windows=5, hidden=8, kept=12) == 4 * 5 * 2 * 4 * 8 * 12
    step = 16 + 4 * 7 + 24 * 2  # two indices, inputs twice and the mask, three doubles per target
    assert array_sizes.batch_bytes(SIZES, windows=5, reach=100) == 5 * (100 * step + 10 * 2 * 80)
    assert SIZES.batch_size(100) == 512
    assert replace(SIZES, targets=300).batch_size(100) == 4_096 // 300
    assert SIZES.batch_size(1_000_000) == (1 << 24) // 3_000_000


def test_the_memory_of_scores_computed_by_hand() -> None:
    """It has 60 sums per series, step and target, and three copies of the quantiles of some windows."""
    small = array_sizes.score_bytes(SIZES, series=3)
    assert small == 8 * 3 * 10 * 2 * (7 * 4 + 4 * 8) + 3 * 8 * 2_000_000
    long = replace(SIZES, rows=17_420, horizon=720, targets=321)
    quantiles = 3 * 8 * 11 * 720 * 321  # of one window
    errors = 2 * 4 * 80 * 720 * 321  # of 80 windows, and sorted
    assert array_sizes.score_bytes(long, series=1) == 8 * 720 * 321 * 60 + max(quantiles, errors)


def test_windows_are_read_in_the_batch_size_of_the_estimate() -> None:
    from small_data import dataset, wave

    wide = dataset([wave(60, columns=300)], train_end=[40], val_end=[50])
    windows = split_windows(wide, "train")
    assert (
        windows.batch_size
        == ArraySizes.from_schema(wide.schema, wide.series).batch_size(windows.lookback)
        == 13
    )
    narrow = dataset([wave(60)], train_end=[40], val_end=[50])
    assert split_windows(narrow, "train").batch_size == 512


def test_minute_data_fit_into_the_memory_of_a_laptop() -> None:
    """`check` predicts the memory that `train` requires, here for a million minutes."""
    from small_data import dataset, wave

    data = dataset([wave(40)], train_end=[20], val_end=[30])
    ends = {"count": 1_000_000, "train_end": 700_000, "val_end": 800_000}
    series = replace(data.series, **{name: np.array([rows]) for name, rows in ends.items()})
    seasons, horizon = (1440, 10_080), 60
    lookback = automatic_lookback(rows=700_000, horizon=horizon, seasons=seasons)
    schema = replace(data.schema, seasons=seasons, horizon=horizon, lookback=lookback, lookback_fixed=False)
    need = train_need(schema, series, TrainConfig())
    assert 0.8e9 < need.size < 2e9
    assert estimate_training_cost(schema, series, windows=690_000).memory_mb == round(need.size / 1e6)
    fixed = replace(schema, lookback=20_160, lookback_fixed=True)
    requested = train_need(fixed, series, TrainConfig())
    assert requested.size > 15e9  # a lookback of --lookback is not bounded, but it is part of the estimate
    assert "--lookback" in requested.hint
