"""docs/reliability.md lists the limits of the simulation."""

import re

from local.state import PROJECT
from tests.reliability.simulation.limits import MARKER, listed


def test_the_document_lists_what_stays_outside() -> None:
    text = (PROJECT / "docs" / "reliability.md").read_text()
    (content,) = re.findall(rf"<!-- {MARKER} -->\n(.*?)\n<!-- end of {MARKER} -->", text, re.DOTALL)
    assert content == listed()
