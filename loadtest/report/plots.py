"""Draws the plots of a report as SVG. Text stays text, so that it can be searched."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtest.kinds import Kind
from loadtest.watcher.expectations import Sighting
from loadtest.watcher.recording import Recorded
from receipt_ops.deployment.freshness import percentile

_COLOURS = ("#1b6ca8", "#d1603d", "#3b8f5a", "#8a6bb1")
_SIZE = (10.0, 3.4)  # inches
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True)
class Plot:
    """A plot. `name` is the id of its element in the page."""

    name: str
    caption: str
    svg: str


def plots(recorded: Recorded) -> list[Plot]:
    """Return the plots: distribution of freshness; freshness, backlog and rate over time."""
    drawings: Sequence[tuple[str, str, Callable[[Any], None]]] = (
        (
            "freshness-distribution",
            "Share of the actions that were visible within a time, by kind.",
            lambda axes: _distribution(axes, recorded),
        ),
        (
            "freshness-over-time",
            "Freshness of each action at the time of its write, and percentiles of each second.",
            lambda axes: _freshness_over_time(axes, recorded),
        ),
        (
            "backlog-over-time",
            "Changes that were not visible yet, and messages in the compaction queue.",
            lambda axes: _backlog(axes, recorded),
        ),
        (
            "rate-over-time",
            "Changes a second: asked for, written, and visible.",
            lambda axes: _rate(axes, recorded),
        ),
    )
    return [Plot(name, caption, _draw(drawing)) for name, caption, drawing in drawings]


def _draw(drawing: Callable[[Any], None]) -> str:
    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        drawing(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata=_NO_METADATA)
    return svg.getvalue()[svg.getvalue().index("<svg") :]


def _distribution(axes: Any, recorded: Recorded) -> None:
    for kind in Kind:
        times = sorted(
            s.seconds for s in recorded.sightings if s.kind is kind and s.seconds is not None
        )
        if times:
            shares = [100 * (rank + 1) / len(times) for rank in range(len(times))]
            axes.step([0.0, *times], [0.0, *shares], where="post", label=kind.value)
    axes.set(xlabel="seconds from write to visible", ylabel="% of actions", ylim=(0, 101))


def _freshness_over_time(axes: Any, recorded: Recorded) -> None:
    seen = [s for s in recorded.sightings if s.seconds is not None]
    began = recorded.end.began_at
    axes.plot(
        [s.written_at - began for s in seen],
        [s.seconds for s in seen],
        ".", ms=2, alpha=0.35, color="#8795a5", label="an action",
    )  # fmt: skip
    for percent, colour in ((50, _COLOURS[0]), (95, _COLOURS[1])):
        rows = [(second, percentile(times, percent)) for second, times in _by_second(seen, began)]
        axes.plot([s for s, _ in rows], [v for _, v in rows], color=colour, label=f"p{percent}")
    axes.set(xlabel="seconds since the run began", ylabel="seconds until visible")
    axes.set_ylim(bottom=0)


def _by_second(seen: Sequence[Sighting], began: float) -> Iterator[tuple[int, list[float]]]:
    ordered = sorted(seen, key=lambda sighting: sighting.written_at)
    for second, some in groupby(ordered, key=lambda s: int(s.written_at - began)):
        yield second, sorted(s.seconds for s in some if s.seconds is not None)


def _backlog(axes: Any, recorded: Recorded) -> None:
    times = [moment.at - recorded.end.began_at for moment in recorded.moments]
    series = {
        "changes not yet visible": [m.outstanding for m in recorded.moments],
        "messages waiting": [m.waiting for m in recorded.moments],
        "messages in flight": [m.in_flight for m in recorded.moments],
    }
    for (name, values), colour in zip(series.items(), _COLOURS, strict=False):
        axes.plot(times, values, color=colour, label=name)
    axes.set(xlabel="seconds since the run began", ylabel="count")
    axes.set_ylim(bottom=0)


def _rate(axes: Any, recorded: Recorded) -> None:
    pairs = list(pairwise(recorded.moments))
    times = [after.at - recorded.end.began_at for _, after in pairs]
    spans = [after.at - before.at for before, after in pairs]
    axes.plot(times, [after.rate for _, after in pairs], color="#8795a5", ls="--", label="asked")
    for (name, counts), colour in zip(
        {
            "written": [after.changes - before.changes for before, after in pairs],
            "visible": [after.seen - before.seen for before, after in pairs],
        }.items(),
        _COLOURS,
        strict=False,
    ):
        rates = [count / span for count, span in zip(counts, spans, strict=True)]
        axes.plot(times, rates, color=colour, label=name)
    axes.set(xlabel="seconds since the run began", ylabel="changes a second")
    axes.set_ylim(bottom=0)
