"""Report as one HTML page, which loads nothing and runs only the scripts of this package."""

from lstm_cli.reporting.assets import SCRIPTS, STYLES, asset
from lstm_cli.reporting.chart_data import chart_json
from lstm_cli.reporting.document import html_document
from lstm_cli.reporting.facts import RunFacts
from lstm_cli.reporting.markup import Html, element
from lstm_cli.reporting.sections.charts import data_section, windows_section
from lstm_cli.reporting.sections.errors import calibration_section, errors_section, residuals_section
from lstm_cli.reporting.sections.making import quantized_section, settings_section, training_section
from lstm_cli.reporting.sections.opening import key_figures, opening
from lstm_cli.reporting.sections.terms import terms_section

LIGHT, DARK = "#ffffff", "#14171a"  # the colors of the paper, as in page.css


def html_page(facts: RunFacts) -> bytes:
    """Return the page as UTF-8."""
    sections = (
        key_figures(facts),
        windows_section(facts),
        data_section(facts),
        errors_section(facts),
        residuals_section(facts),
        calibration_section(facts),
        training_section(facts.curves),
        quantized_section(facts),
        settings_section(facts.made),
        terms_section(facts),
    )
    release = facts.made.versions.get("lstm-cli", "")
    return html_document(
        f"Forecast of {', '.join(facts.targets[:3])}: {facts.run}",
        opening(facts),
        element("main", {}, *sections),
        element("footer", {}, f"Made by lstm {release} with 'lstm report'. Charts: uPlot, MIT licence."),
        styles=[asset(name) for name in STYLES],
        scripts=[asset(name) for name in SCRIPTS],
        data=Html(f'<script type="application/json" id="report-data">{chart_json(facts)}</script>'),
    )
