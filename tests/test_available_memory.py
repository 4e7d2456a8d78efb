"""How much memory there is, and work that is refused before it starts."""

from dataclasses import replace
from pathlib import Path

import pytest

from lstm_cli import memory
from lstm_cli.config import TrainConfig
from lstm_cli.errors import DeviceError

MB = 1 << 20


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


FREE = {"proc/meminfo": "MemTotal: 99 kB\nMemAvailable:    8192000 kB\n"}


def test_what_the_machine_has(tmp_path: Path) -> None:
    assert memory.available(machine(tmp_path, FREE)) == 8192000 * 1024
    assert memory.available(tmp_path / "nothing") is None


def test_a_control_group_and_those_above_it(tmp_path: Path) -> None:
    two = {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/memory.max": f"{900 * MB}\n",
        "sys/fs/cgroup/user/memory.current": f"{500 * MB}\n",
        "sys/fs/cgroup/user/memory.stat": f"anon 5\ninactive_file {100 * MB}\n",
        "sys/fs/cgroup/user/job/memory.max": "max\n",
        "sys/fs/cgroup/user/job/memory.current": f"{500 * MB}\n",
    }
    assert memory.available(machine(tmp_path, FREE | two)) == 500 * MB


def test_a_control_group_of_version_1(tmp_path: Path) -> None:
    one = {
        "proc/self/cgroup": "8:pids:/x\n4:memory:/docker/abc\n0::/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{300 * MB}\n",  # as a container sees its own
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{250 * MB}\n",
        "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {20 * MB}\n",
    }
    assert memory.available(machine(tmp_path, FREE | one)) == 70 * MB
    one["sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n"
    assert memory.available(machine(tmp_path, FREE | one)) == 8192000 * 1024


def test_a_limit_of_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (700 * MB, resource.RLIM_INFINITY))
    files = FREE | {"proc/self/statm": f"{300 * MB // resource.getpagesize()} 1 1\n"}
    assert memory.available(machine(tmp_path, files)) == 400 * MB


def test_too_much_is_refused_with_need_and_have() -> None:
    with pytest.raises(DeviceError) as caught:
        memory.require(3_000_000_000, doing="training", hint="use less", have=lambda **_: 2_000_000_000)
    assert caught.value.message == "training needs some 3.0 GB of memory, and 2.0 GB are free"
    assert (caught.value.exit_code, caught.value.hint) == (7, "use less")
    memory.require(1_700_000_000, doing="training", hint="", have=lambda **_: 2_000_000_000)
    memory.require(3_000_000_000, doing="training", hint="", have=lambda **_: None)


def test_what_a_training_needs_grows_with_what_it_is_given() -> None:
    from small_data import dataset, wave

    from lstm_cli.steps.needs import train_need

    data = dataset([wave(400)], train_end=[300], val_end=[350])
    config = TrainConfig(model="stacked", hidden=(64, 64), batch_size=64)
    plain = train_need(data.schema, data.series, config)
    assert plain.size < 400e6
    long = replace(data.schema, lookback=1_000_000, pad=True)
    found = train_need(long, data.series, config)
    # 64 windows of a million steps, 12 floats kept for each of 128 outputs: 393 GB, and the regressions' 64 TB
    assert found.size > 393e9
    network = train_need(replace(data.schema, lookback=2_000, pad=True), data.series, config)
    assert "--batch-size below 64" in network.hint
    wide = train_need(data.schema, data.series, replace(config, hidden=(2048, 2048), bidirectional=True))
    assert wide.size - plain.size == 4 * 64 * 8 * 12 * (2 * 2 * 2048 - 128)
