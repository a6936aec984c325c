"""The states of the switches of a roll-out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Switches:
    """Holds the state of each switch. `stream` and `queue` are the event source mappings.

    A flag is None if the function's variables cannot be read. A source is None if some of its
    mappings are on and others are off.
    """

    metadata: bool | None
    line: bool | None
    word: bool | None
    stream: bool | None
    queue: bool | None

    def to_json(self) -> dict[str, bool | None]:
        return asdict(self)

    def changed(self, wanted: Mapping[str, bool | None]) -> "Switches":
        """Return the switches with the wanted values. None leaves a switch unchanged."""
        return replace(self, **{name: on for name, on in wanted.items() if on is not None})

    def differing(self, other: "Switches") -> list[str]:
        """Return the names of the switches that differ."""
        mine, others = asdict(self), asdict(other)
        return [name for name in mine if mine[name] != others[name]]
