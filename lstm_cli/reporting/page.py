"""Report as one HTML page, which loads nothing and runs only the scripts of this package."""

from lstm_cli.reporting.assets import LICENCE, SCRIPTS, STYLES, asset, content_hash
from lstm_cli.reporting.chart_data import chart_json
from lstm_cli.reporting.facts import RunFacts
from lstm_cli.reporting.markup import Html, element, join
from lstm_cli.reporting.sections.charts import data_section, windows_section
from lstm_cli.reporting.sections.errors import calibration_section, errors_section, residuals_section
from lstm_cli.reporting.sections.making import quantized_section, settings_section, training_section
from lstm_cli.reporting.sections.opening import key_figures, opening
from lstm_cli.reporting.sections.terms import terms_section

LIGHT, DARK = "#ffffff", "#14171a"  # the colors of the paper, as in page.css


def html_page(facts: RunFacts) -> bytes:
    """Return the page as UTF-8."""
    scripts, styles = [asset(name) for name in SCRIPTS], ["\n".join(asset(name) for name in STYLES)]
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy(scripts, styles)}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("title", {}, f"Forecast of {', '.join(facts.targets[:3])}: {facts.run}"),
        *(Html(f"<style>{text}</style>") for text in styles),
    )
    sections = (
        key_figures(facts),
        windows_section(facts),
        data_section(facts),
        errors_section(facts),
        residuals_section(facts),
        calibration_section(facts),
        training_section(facts),
        quantized_section(facts),
        settings_section(facts),
        terms_section(facts),
    )
    release = facts.made.versions.get("lstm-cli", "")
    body = element(
        "body",
        {},
        opening(facts),
        element("main", {}, *sections),
        element("footer", {}, f"Made by lstm {release} with 'lstm report'. Charts: uPlot, MIT licence."),
        Html(f'<script type="application/json" id="report-data">{chart_json(facts)}</script>'),
        *(Html(f"<script>{text}</script>") for text in scripts),
    )
    licence = Html(f"<!-- uPlot is part of this page.\n{asset(LICENCE)}\n-->")
    page = join(Html("<!doctype html>\n"), licence, element("html", {"lang": "en"}, head, body))
    return (page.text + "\n").encode()


def policy(scripts: list[str], styles: list[str]) -> str:
    """Return the content security policy: nothing is loaded, and only these scripts and styles count."""
    allowed_scripts, allowed_styles = (" ".join(map(content_hash, texts)) for texts in (scripts, styles))
    return (
        f"default-src 'none'; script-src {allowed_scripts}; style-src {allowed_styles}; "
        "base-uri 'none'; form-action 'none'"
    )
