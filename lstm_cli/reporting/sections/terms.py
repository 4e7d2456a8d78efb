"""Terms of a report in one line each, with the words of the glossary."""

from lstm_cli.reporting.facts import RunFacts
from lstm_cli.reporting.markup import Child, Html, element
from lstm_cli.reporting.sections.layout import details, section
from lstm_cli.reporting.sections.opening import shown_metrics

# A test compares these with docs/reference/glossary.md.
METRICS = {
    "mae": ("MAE", "Mean absolute error, in file units."),
    "rmse": ("RMSE", "Root of the mean squared error, in file units."),
    "smape": ("sMAPE", "Mean of 200 |error| / (|truth| + |forecast|), from 0 to 200 percent."),
    "mase": (
        "MASE",
        "MAE divided by the error of seasonal naive on the training rows. Lower is better.",
    ),
    "mae_scaled": ("scaled", "Divided by the standard deviation of the training rows."),
    "wql": (
        "WQL",
        "Weighted quantile loss: twice the mean pinball loss of the quantiles .1 to .9, relative to the size of the "
        "true values. Lower is better.",
    ),
}
BASELINES = {
    "naive": "The last value, repeated.",
    "seasonal naive": "The last season, repeated.",
    "linear": ("The linear forecast: an average of ridge regressions and other linear forecasts."),
}
INTERVAL = {
    "prediction interval": (
        "The range that contains the true value with a stated probability, 80 % or 95 % by default."
    ),
    "coverage": (
        "The percentage of true values that lie in the interval. Near 80 is right for the 80 % interval."
    ),
    "quantile": "The value that a stated share of the outcomes does not exceed.",
    "pinball loss": (
        "The error of a quantile. A true value above the quantile .9 costs nine times as much as one below it."
    ),
}
WINDOW = {
    "window": "One example: the lookback as input, and the horizon as target.",
    "lookback": "The number of past steps that the model sees before a forecast.",
    "horizon": "The number of steps that the model forecasts.",
    "step ahead": "The position of a forecast value, from 1 to the horizon.",
    "split": "Training, validation or test rows. Each is later than the one before.",
    "bias": "The mean of the forecast minus the measured value.",
    "epoch": (
        "The training between two validations: one pass over the windows, but 100 to 330 optimizer steps."
    ),
}
STRENGTH = (
    "strength",
    "Share of the variation that the season or the trend explains: 0 is none, and 1 is all of it.",
)


def score_terms(facts: RunFacts) -> list[tuple[str, str]]:
    """Return the metrics and the baselines of the scores, each with its meaning."""
    metrics = shown_metrics(facts).keys() | ({"mase"} if facts.unit == "MASE" else set())
    names = {name.split(" (")[0] for name in (*facts.scores, facts.baseline)}
    return [
        *(term for key, term in METRICS.items() if key in metrics),
        *((name, meaning) for name, meaning in BASELINES.items() if name in names),
    ]


def used_terms(facts: RunFacts) -> list[tuple[str, str]]:
    """Return the terms that a page uses, each with its meaning."""
    terms = dict(score_terms(facts))
    if facts.curves:  # of the training
        terms |= dict([METRICS["mase"], METRICS["mae_scaled"]])
    if facts.known_coverage:
        terms |= INTERVAL
    terms |= WINDOW
    if not facts.curves:
        del terms["epoch"]
    return [*terms.items(), *([STRENGTH] if facts.data.strengths else [])]


def terms_section(facts: RunFacts) -> Html:
    """Return the terms, folded."""
    rows: list[tuple[Child, str]] = [*used_terms(facts)]
    items = [element("div", {}, element("dt", {}, name), element("dd", {}, text)) for name, text in rows]
    return section(
        "terms", "Terms", None, details("Words of this page", element("dl", {"class": "facts"}, *items))
    )
