"""Weight that gives objects known scale factors instead of measured ones, for closures in simulated events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import binned
from pocket.corrections.files import find_corrections
from pocket.corrections.injected import injected
from pocket.weights.objects import each_of
from pocket.weights.scale_factor import ScaleFactorWeight


class InjectedWeight(ScaleFactorWeight):
    """Weight of objects that pass or fail, with their efficiency in simulation and known scale factors of its bins."""

    #: scale factors that bins have in turn
    factors: ClassVar[tuple[float, ...]]

    def at(self, events: Any, size: int, shape_variation: str) -> Callable[[str], Floats]:
        """Return the weight, which is the same for each systematic, with results of shape (size,)."""
        objects = self.objects(events, str(self.collection))
        correction = self.correction(self.scale_factor, "_efficiency_mc")
        inputs = self.inputs_of(correction, objects.__getitem__)
        simulated = correction.evaluate(inputs, "nominal", objects.size)
        found = binned(find_corrections(correction.file), correction.name, frozenset(inputs.texts.items()))
        assert found is not None
        known = simulated * injected(simulated, found[1], self.factors)
        weight = each_of(known, simulated, objects[str(self.passing)], objects)
        return lambda systematic: weight
