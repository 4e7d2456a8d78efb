import inspect

import pytest

from lstm_cli.config.export import EXPORT_FORMATS
from lstm_cli.errors import UsageError
from lstm_cli.export.formats import FORMATS, require_ending, require_supported
from lstm_cli.models.stacked_lstm import StackedLSTM

PLAIN = {
    "inputs": 3,
    "targets": 1,
    "known_ahead": 0,
    "horizon": 4,
    "lookback": 12,
    "hidden": [8],
    "dropout": 0.2,
    "bidirectional": True,
    "batch_norm": False,
    "layer_norm": True,
    "attention": 0,
    "head": "mean",
}


def test_the_table_has_every_format_and_each_file_its_own_ending() -> None:
    assert tuple(FORMATS) == EXPORT_FORMATS
    assert all(one.file.endswith(one.endings[0]) for one in FORMATS.values())
    endings = [ending for one in FORMATS.values() for ending in one.endings]
    assert len(set(endings)) == len(endings)


@pytest.mark.parametrize(
    ("to", "output", "hint"),
    [
        ("keras", "model.h5", "name it like model.keras, or use --to h5"),
        ("onnx", "model", "name it like model.onnx"),
        ("h5", "-", "name it like model.h5"),
        ("pt2", "/dev/null", "name it like model.pt2"),
    ],
)
def test_a_name_of_another_format_is_refused(to: str, output: str, hint: str) -> None:
    with pytest.raises(UsageError, match=r"does not end in \.") as refused:
        require_ending(to, output)
    assert refused.value.hint == hint


def test_a_name_may_be_written_in_capitals() -> None:
    require_ending("h5", "MODEL.HDF5")


@pytest.mark.parametrize("to", ["keras", "h5"])
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"batch_norm": True}, "--batch-norm:"),
        ({"attention": 4}, "--attention:"),
        ({"head": "seq2seq"}, "--head seq2seq:"),
        ({"head": "attention"}, "--head attention:"),
        ({"batch_norm": True, "head": "seq2seq"}, "--batch-norm and --head seq2seq:"),
        ({"of_tomorrow": 1}, "--of-tomorrow:"),  # a setting that this export has not heard of
    ],
)
def test_what_keras_has_no_layer_for_is_refused_by_name(to: str, settings: dict, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_supported(to, "stacked", PLAIN | settings)
    assert refused.value.message.startswith(f"--to {to} cannot hold {named}")
    assert "--to onnx" in refused.value.hint


def test_every_setting_of_the_network_is_known_here() -> None:
    """A new one has to be decided on: carried over, or refused."""
    assert set(PLAIN) == set(inspect.signature(StackedLSTM.__init__).parameters) - {"self"}


def test_what_fits_is_let_through() -> None:
    require_supported("keras", "stacked", PLAIN)
    for to in set(FORMATS) - {"keras", "h5"}:
        require_supported(to, "segment", {})
        require_supported(to, "stacked", PLAIN | {"head": "seq2seq"})


def test_the_default_model_goes_to_no_keras() -> None:
    with pytest.raises(UsageError, match="cannot hold the model 'segment': its linear part") as refused:
        require_supported("h5", "segment", {})
    assert "--to onnx" in refused.value.hint
