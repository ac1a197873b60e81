"""Base class of weights whose corrections the parameters have by year."""

from __future__ import annotations

from pocket.parameters.access import parameter
from pocket.weights.base import WeightWrapper


class WeightOfYear(WeightWrapper):
    """Weight with the corrections of the dataset's year."""

    @property
    def year(self) -> str:
        """Year of the dataset."""
        return str(self.metadata["year"])

    def chosen_variations(self, weight: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return ``systematic_variations.weight_variations.<weight>.<year>`` of the parameters, if it is there."""
        section = ("systematic_variations", "weight_variations")
        chosen = section[0] in self.params and weight in parameter(self.params, *section)
        return tuple(parameter(self.params, *section, weight, self.year)) if chosen else default
