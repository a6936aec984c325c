"""The month's cost by scale, as a picture. matplotlib is imported only when one is asked for."""

from collections.abc import Sequence
from pathlib import Path

from operations.costs.model import Estimate
from operations.errors import OperationError


class PlotError(OperationError):
    """No picture can be made."""


def plot(estimates: Sequence[Estimate], path: Path) -> None:
    """Write a picture, of the kind that the file's ending names. Raises PlotError."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError("plots need matplotlib: pip install matplotlib, or `make install`") from (
            error
        )
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    scales = [one.changes for one in estimates]
    names = list(estimates[0].parts)
    axes.stackplot(scales, [[one.parts[name] for one in estimates] for name in names], labels=names)
    axes.set(
        xscale="log",
        xlabel="changes a month",
        ylabel="US dollars a month",
        title="What the synchronisation costs, by scale",
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", fontsize="small")
    try:
        figure.savefig(path, metadata=_undated(path))
    except (OSError, ValueError) as error:
        raise PlotError(f"{path} can't be written: {error}") from error


def _undated(path: Path) -> dict[str, str | None]:
    """Without the moment of its making, so that the same figures make the same file."""
    return {"Date": None} if path.suffix == ".svg" else {}
