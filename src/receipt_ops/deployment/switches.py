"""The states of the switches of a roll-out."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, init=False)
class Switches:
    """Holds the state of each switch: a flag for each entity type, then `stream` and `queue`.

    `stream` and `queue` are the event source mappings. A flag is None if the function's variables
    cannot be read. A source is None if some of its mappings are on and others are off.
    """

    states: Mapping[str, bool | None]

    def __init__(self, **states: bool | None) -> None:
        object.__setattr__(self, "states", states)

    def to_json(self) -> dict[str, bool | None]:
        return dict(self.states)

    def changed(self, wanted: Mapping[str, bool | None]) -> "Switches":
        """Return the switches with the wanted values. None leaves a switch unchanged."""
        given = {name: on for name, on in wanted.items() if on is not None}
        return Switches(**{**self.states, **given})

    def differing(self, other: "Switches") -> list[str]:
        """Return the names of the switches that differ."""
        return [name for name, on in self.states.items() if on != other.states[name]]
