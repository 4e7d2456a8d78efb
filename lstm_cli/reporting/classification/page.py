"""Report of a classifier as one HTML page, which loads nothing and runs no script."""

from lstm_cli.reporting.assets import asset
from lstm_cli.reporting.classification.facts import ClassFacts
from lstm_cli.reporting.classification.sections import (
    calibration_section,
    confusion_section,
    data_section,
    figures_section,
    mistakes_section,
    model_section,
    opening,
)
from lstm_cli.reporting.document import html_document
from lstm_cli.reporting.markup import element
from lstm_cli.reporting.sections.making import settings_section, training_section


def class_page(facts: ClassFacts) -> bytes:
    """Return the page as UTF-8."""
    sections = (
        figures_section(facts),
        confusion_section(facts),
        mistakes_section(facts),
        calibration_section(facts),
        data_section(facts),
        model_section(facts),
        training_section(facts.curves),
        settings_section(facts.made),
    )
    release = facts.made.versions.get("lstm-cli", "")
    return html_document(
        f"Classification report: {facts.run}",
        opening(facts),
        element("main", {}, *sections),
        element("footer", {}, f"Made by lstm {release} with 'lstm report'."),
        styles=[asset("page.css")],
        scripts=[],
    )
