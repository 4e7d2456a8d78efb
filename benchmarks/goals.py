"""Goals and stretch goals of the rows in the tables of speed and of GIFT-Eval."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """Labels and goals of one row."""

    what: str
    reference: str  # the command that it is compared with
    goal: float | None = (
        None  # upper limit of a ratio of seconds or an error, lower limit of a ratio of speed
    )
    stretch: float | None = None
    higher: bool = False  # the ratio is one of speed, so higher is better


HELP = Row(what="`lstm --help`", reference="`import typer`", goal=2.0, stretch=1.2)
RUNS = Row(what="`lstm runs RUN`", reference="`lstm --help`", goal=1.3)
PREDICT = Row(what="`lstm predict RUN`", reference="`import numpy, onnxruntime`", goal=2.3, stretch=2.0)
PREDICT_NEW = Row(what="`lstm predict RUN NEW.csv` (17,420 rows)", reference="`import numpy, onnxruntime`")
PREDICT_PEER = Row(
    what="`lstm predict RUN`", reference="a forecast of the best peer", goal=1 / 12, stretch=1 / 15
)
MODEL = Row(what="model stage of `predict`, fp32", reference="torch eager", goal=0.7)
MODEL_INT8 = Row(what="model stage of `predict`, int8", reference="torch eager", goal=0.7, stretch=0.4)
TRAIN = Row(what="training `stacked`, fp32", reference="bare loop", goal=1.0, stretch=1.3, higher=True)
TRAIN_BF16 = Row(
    what="training `stacked`, bf16", reference="bare loop, fp32", goal=1.6, stretch=1.9, higher=True
)
TO_ACCURACY = Row(
    what="`segment` to .370", reference="the whole training of `stacked`", goal=0.5, stretch=0.25
)
READING = Row(what="the reading stage", reference="`pandas.read_csv`, float32", goal=2.0, stretch=1.0)
READING_PANEL = Row(what="the reading stage", reference="`pandas.read_csv`, float32", goal=2.0, stretch=1.2)
PREPARE = Row(what="`lstm prepare`", reference="`pandas.read_csv`, float32", goal=3.0, stretch=1.5)
PANEL = Row(what="`lstm prepare`", reference="`pandas.read_csv`, float32", goal=4.0, stretch=2.0)
PEERS = {
    "keras": Row(
        what="training `stacked`", reference="keras on TensorFlow", goal=1.0, stretch=1.2, higher=True
    ),
    "neuralforecast": Row(
        what="training `stacked`", reference="neuralforecast", goal=1.6, stretch=2.0, higher=True
    ),
    "darts": Row(what="training `stacked`", reference="darts", goal=1.6, stretch=2.0, higher=True),
}
INT8_SPEED = {64: 1.3, 128: 1.7, 512: 2.5}  # times fp32 in ONNX Runtime, by hidden units
INT8_SIZE = 0.30  # relative to fp32
INT8_LOSS = 0.005  # relative growth of the test MSE
MEMORY = 85.0  # peak MiB of `predict`
PEER_MEMORY = 1 / 5  # relative to the best peer
ACCURATE = 0.370  # MSE on ETTh1 at 96 steps, scaled

# GIFT-Eval, by data set and figure: scores of M4, and ratios to the MASE of the seasonal naive forecast for ETTh1.
NAIVE_MASE = "MASE of seasonal naive"
GIFT = {
    ("etth1_48", "mase_ratio"): Row(what="ETTh1, 48: MASE", reference=NAIVE_MASE, goal=0.835, stretch=0.805),
    ("etth1_48", "wql_ratio"): Row(what="ETTh1, 48: WQL", reference=NAIVE_MASE, goal=0.185, stretch=0.175),
    ("etth1_480", "mase_ratio"): Row(
        what="ETTh1, 480: MASE", reference=NAIVE_MASE, goal=0.800, stretch=0.777
    ),
    ("etth1_480", "wql_ratio"): Row(what="ETTh1, 480: WQL", reference=NAIVE_MASE, goal=0.165, stretch=0.156),
    ("etth1_720", "mase_ratio"): Row(
        what="ETTh1, 720: MASE", reference=NAIVE_MASE, goal=0.885, stretch=0.870
    ),
    ("etth1_720", "wql_ratio"): Row(what="ETTh1, 720: WQL", reference=NAIVE_MASE, goal=0.180, stretch=0.172),
    ("m4_hourly", "mase"): Row(what="M4 hourly: MASE", reference="", goal=0.755, stretch=0.70),
    ("m4_hourly", "wql"): Row(what="M4 hourly: WQL", reference="", goal=0.026, stretch=0.021),
}


def verdict(row: Row, ratio: float) -> str:
    """Return the result of a row: exceeded (stretch goal), reached, missed, or empty without a goal.

    >>> verdict(HELP, 1.1), verdict(HELP, 1.5), verdict(HELP, 2.5), verdict(TRAIN, 0.9)
    ('exceeded', 'reached', 'missed', 'missed')
    """
    if row.goal is None:
        return ""
    for word, bound in (("exceeded", row.stretch), ("reached", row.goal)):
        if bound is not None and (ratio >= bound if row.higher else ratio <= bound):
            return word
    return "missed"
