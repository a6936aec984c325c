"""Writes the report of a run: one HTML file that contains its plots and needs no other file."""

import json
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtest.launching import PAGE
from loadtest.options import Options
from loadtest.report.outcome import Outcome
from loadtest.report.plots import plots
from loadtest.report.screen import in_seconds, summary
from loadtest.watcher.recording import Recorded
from receipt_ops.verification.verdict import Finding

REPORT: Final = "report.html"
FIGURES: Final = "figures.json"
_TEMPLATE: Final = "report.html.jinja"


def write_report(folder: Path, options: Options, recorded: Recorded, outcome: Outcome) -> None:
    """Write the report and the figures into `folder`, beside Locust's files."""
    (folder / FIGURES).write_text(json.dumps(outcome.to_json(), indent=2) + "\n")
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
    )
    templates.filters["seconds"] = in_seconds
    page = templates.get_template(_TEMPLATE).render(
        options=options,
        figures=outcome.figures,
        faults=outcome.faults,
        summary=summary(outcome.figures),
        verdict=outcome.verdict,
        findings=list(Finding),
        plots=plots(recorded),
        locust_page=PAGE,
    )
    (folder / REPORT).write_text(page)
