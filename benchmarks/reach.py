"""What each row of the table of speed is to reach, and then to aim for; ratios to what stands beside it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    beside: str
    reach: float | None = None  # a ratio of seconds must be at most this, one of windows a second at least
    aim: float | None = None
    higher: bool = False  # the ratio is one of speed: more is better


HELP = Row(what="`lstm --help`", beside="`import typer`", reach=2.0, aim=1.2)
PREDICT = Row(what="`lstm predict RUN`", beside="`import numpy, onnxruntime`", reach=2.3, aim=2.0)
PREDICT_NEW = Row(what="`lstm predict RUN NEW.csv` (17,420 rows)", beside="`import numpy, onnxruntime`")
PREDICT_PEER = Row(
    what="`lstm predict RUN`", beside="a fresh forecast of the best peer", reach=1 / 12, aim=1 / 15
)
MODEL = Row(what="model stage of `predict`, fp32", beside="torch eager", reach=0.7)
MODEL_INT8 = Row(what="model stage of `predict`, int8", beside="torch eager", reach=0.7, aim=0.4)
TRAIN = Row(what="training `stacked`, fp32", beside="bare loop", reach=1.0, aim=1.3, higher=True)
TRAIN_BF16 = Row(what="training `stacked`, bf16", beside="bare loop, fp32", reach=1.6, aim=1.9, higher=True)
TO_ACCURACY = Row(what="`segment` to .370", beside="the whole training of `stacked`", reach=0.5, aim=0.25)
READING = Row(what="the reading stage", beside="`pandas.read_csv`, float32", reach=1.0, aim=0.6)
PREPARE = Row(what="`lstm prepare`", beside="`pandas.read_csv`, float32", reach=1.2, aim=0.8)
PANEL = Row(what="`lstm prepare`", beside="`pandas.read_csv`, float32", reach=2.0)
PEERS = {
    "keras": Row(what="training `stacked`", beside="keras on TensorFlow", reach=1.0, aim=1.2, higher=True),
    "neuralforecast": Row(
        what="training `stacked`", beside="neuralforecast", reach=1.6, aim=2.0, higher=True
    ),
    "darts": Row(what="training `stacked`", beside="darts", reach=1.6, aim=2.0, higher=True),
}
INT8_SPEED = {64: 1.3, 128: 1.7, 512: 2.5}  # times fp32, of ONNX Runtime, by hidden units
INT8_SIZE = 0.30  # of fp32
INT8_LOSS = 0.005  # relative growth of the test MSE
MEMORY = 85.0  # MiB of `predict`
PEER_MEMORY = 1 / 5  # of the best peer's
ACCURATE = 0.370  # MSE on ETTh1 at 96 steps, scaled


def verdict(row: Row, ratio: float) -> str:
    """Whether the row's ratio reaches what it is to reach.

    >>> verdict(HELP, 1.1), verdict(HELP, 1.5), verdict(HELP, 2.5), verdict(TRAIN, 0.9)
    ('aim', 'reached', 'missed', 'missed')
    """
    if row.reach is None:
        return ""
    for word, bound in (("aim", row.aim), ("reached", row.reach)):
        if bound is not None and (ratio >= bound if row.higher else ratio <= bound):
            return word
    return "missed"
