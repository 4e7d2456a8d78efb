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


def test_all_formats_have_their_own_endings() -> None:
    assert tuple(FORMATS) == EXPORT_FORMATS
    assert all(format.file.endswith(format.endings[0]) for format in FORMATS.values())
    endings = [ending for format in FORMATS.values() for ending in format.endings]
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
    with pytest.raises(UsageError, match=r"does not end in \.") as caught:
        require_ending(to, output)
    assert caught.value.hint == hint


def test_a_name_may_be_written_in_capitals() -> None:
    require_ending("h5", "MODEL.HDF5")


@pytest.mark.parametrize("to", ["keras", "h5"])
@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({"batch_norm": True}, "--batch-norm:"),
        ({"attention": 4}, "--attention:"),
        ({"head": "seq2seq"}, "--head seq2seq:"),
        ({"head": "attention"}, "--head attention:"),
        ({"batch_norm": True, "head": "seq2seq"}, "--batch-norm and --head seq2seq:"),
        ({"new_setting": 1}, "--new-setting:"),  # a setting that is unknown to this export
    ],
)
def test_settings_without_a_keras_layer_are_refused_by_name(to: str, settings: dict, flags: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_supported(to, "stacked", PLAIN | settings)
    assert caught.value.message.startswith(f"--to {to} does not support {flags}")
    assert "--to onnx" in caught.value.hint


def test_all_settings_of_the_network_are_in_this_test() -> None:
    """A new setting needs a decision: supported, or refused."""
    assert set(PLAIN) == set(inspect.signature(StackedLSTM.__init__).parameters) - {"self"}


def test_supported_models_are_accepted() -> None:
    require_supported("keras", "stacked", PLAIN)
    for to in set(FORMATS) - {"keras", "h5"}:
        require_supported(to, "segment", {})
        require_supported(to, "stacked", PLAIN | {"head": "seq2seq"})


def test_the_default_model_is_refused_for_keras() -> None:
    with pytest.raises(
        UsageError, match="does not support the model 'segment': Keras has no layers"
    ) as caught:
        require_supported("h5", "segment", {})
    assert "--to onnx" in caught.value.hint
