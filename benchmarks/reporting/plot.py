"""Draws the result of the cycle benchmark."""

from pathlib import Path
from statistics import median
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.meters.changes import Kind

_STYLES: Final = {
    "naive": ("#b5482f", "s", "naive: the whole snapshot down and up"),
    "ours": ("#1f5fa8", "o", "ours: the changed pages"),
    "limit": ("#7a7a7a", "^", "limit: Chroma's update and one upload"),
}
_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)


def draw(result: dict[str, Any], target: Path) -> None:
    """Draw the cycle time by snapshot size, with a line for each candidate and logarithmic axes."""
    rows = [row for row in result["details"]["results"] if row["change"] == Kind.FIELD]
    # Equal results must give equal bytes: no date and no random ids. Text stays text.
    matplotlib.rcParams.update({"svg.hashsalt": "performance", "svg.fonttype": "none"})
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name in _STYLES:
        _line(axes, rows, name)
    axes.set(xscale="log", yscale="log", xlabel="records in the snapshot", ylabel="seconds a cycle")
    axes.set_xticks([row["records"] for row in rows], [f"{row['records']:,}" for row in rows])
    axes.set_title("A warm cycle of 100 scattered changes, 1536 dimensions", fontsize=11)
    axes.set_yticks(_SECONDS, [f"{seconds:g}" for seconds in _SECONDS])
    axes.margins(x=0.08, y=0.1)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(target, metadata={"Date": None})


def _line(axes: Axes, rows: list[dict[str, Any]], name: str) -> None:
    colour, marker, label = _STYLES[name]
    sizes = [row["records"] for row in rows]
    seconds = [median(s["seconds"] for s in row["samples"][name]) for row in rows]
    axes.plot(sizes, seconds, color=colour, marker=marker, label=label)
    for size, value in zip(sizes, seconds, strict=True):
        axes.annotate(
            f"{value:.2g} s",
            (size, value),
            (0, 7),
            textcoords="offset points",
            horizontalalignment="center",
            fontsize=8,
        )
