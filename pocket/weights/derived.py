"""Weights from scale factors that the chain itself derives."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pocket.corrections import load_correction
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError, nearest
from pocket.weights.wrapper import WeightData, WeightWrapper

COMBINE = ("product", "any")


class ScaleFactorWeight(WeightWrapper):
    """Applies a derived scale factor to the objects of a collection, see :meth:`wrap`."""

    has_variations = True
    scale_factor: ClassVar[str]
    collection: ClassVar[str]
    combine: ClassVar[str]

    @classmethod
    def wrap(cls, name: str, scale_factor: str, collection: str, combine: str = "product") -> type[ScaleFactorWeight]:
        """Make a weight class for one scale factor.

        Args:
            name: name of the weight.
            scale_factor: name of the scale factor in the analysis.
            collection: collection whose objects are the inputs. An axis ``pt`` takes the field ``pt``,
                ``abseta`` takes |``eta``| unless the collection has a field ``abseta``.
            combine: ``product`` of the objects' scale factors, or ``any``: the ratio of the probabilities
                that at least one object passes, (1 − Π(1 − ε_data)) / (1 − Π(1 − ε_MC)), as for a trigger
                that any object may fire.

        Raises:
            UnknownNameError: if ``combine`` is neither.
        """
        if combine not in COMBINE:
            raise UnknownNameError("way to combine", combine, COMBINE, f"weight {name!r}")
        attributes = {"name": name, "scale_factor": scale_factor, "collection": collection, "combine": combine}
        return type(name, (cls,), attributes)

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its total up and down variation."""
        from pocket.scale_factors.evaluate import any_of_weight, object_weight

        path = self.params.get("scale_factors", {}).get(self.scale_factor)
        if path is None:
            raise ConfigError(f"weight {self.name!r}: the file of scale factor {self.scale_factor!r} was not given")
        kinds = ("nominal", "up", "down") if shape_variation == "nominal" else ("nominal",)
        if self.combine == "any":
            pair = [load_correction(path, f"{self.scale_factor}_efficiency_{of}") for of in ("data", "mc")]
            inputs = self._inputs(events, pair[0])
            return WeightData(self.name, *(any_of_weight(pair[0], pair[1], inputs, kind) for kind in kinds))
        correction = load_correction(path, self.scale_factor)
        inputs = self._inputs(events, correction)
        return WeightData(self.name, *(object_weight(correction, inputs, kind) for kind in kinds))

    def _inputs(self, events: Any, correction: Any) -> list[Any]:
        if self.collection not in events.fields:
            raise UnknownNameError("collection", self.collection, events.fields, f"weight {self.name!r}")
        objects = events[self.collection]
        arrays = []
        for axis in (variable.name for variable in correction.inputs if variable.name != "systematic"):
            if axis in objects.fields:
                arrays.append(objects[axis])
            elif axis.startswith("abs") and axis[3:] in objects.fields:
                arrays.append(np.abs(objects[axis[3:]]))
            else:
                close = nearest(axis, objects.fields) or sorted(objects.fields)[:8]
                raise MissingBranchError(
                    f"weight {self.name!r}: {self.collection} has no field {axis!r} for scale factor "
                    f"{self.scale_factor!r}, nearest: {', '.join(close)}"
                )
        return arrays
