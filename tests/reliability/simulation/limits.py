"""The limits of the simulation. docs/reliability.md lists them between markers."""

from typing import Final

MARKER: Final = "outside the simulation"

OUTSIDE: Final = (
    "Chroma itself: an index of pages stands for it. Searches, recall and the graph are in the "
    "functional tests and the benchmarks.",
    "Threads: a task gives way at calls alone, and parallel calls run one after another. Searches "
    "during a refresh, and forks, are in the tests of the reader.",
    "Memory, disk space and CPU time. A history has a few records and is never short of room.",
    "Wall-clock and network: the SDK's own time-outs, retries and connections. The outages and the "
    "lost answers run against the local AWS.",
    "The circuit breaker and the HTTP client of a Chroma server, and limits of Chroma Cloud.",
    "IAM, the template, Terraform, packaging, and the filters of the event source mappings.",
    "The command line: `verify`, `snapshot gc` and `snapshot restore` are called below it.",
    "A second system that writes to the bucket or the queues with other rules.",
)
"""One or two sentences each. The first names the part, and the last names the test that covers
it.
"""


def listed() -> str:
    """Return the list as the document holds it."""
    return "\n".join(f"- {one}" for one in OUTSIDE)
