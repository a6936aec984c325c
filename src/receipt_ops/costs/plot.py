"""A plot of the monthly cost by scale. The module imports matplotlib only when it plots."""

from collections.abc import Sequence
from pathlib import Path

from receipt_ops.costs.model import Estimate
from receipt_ops.errors import OperationError


class PlotError(OperationError):
    """The plot cannot be made or written."""


def plot(estimates: Sequence[Estimate], path: Path) -> None:
    """Write a plot in the format that the suffix of `path` names. Raises PlotError."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError(
            "--plot needs matplotlib, which is not installed: "
            "run `pip install matplotlib` or `make install`"
        ) from error
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
        raise PlotError(
            f"the plot {path} can't be written ({error}): "
            "name a writable file that ends in .svg or .png"
        ) from error


def _undated(path: Path) -> dict[str, str | None]:
    """Return metadata without a date, so that the same figures make the same file."""
    return {"Date": None} if path.suffix == ".svg" else {}
