"""Weights from scale factors that the chain derives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from pocket.base.arguments import declarative
from pocket.base.arrays.fields import field
from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs, binned
from pocket.corrections.derived import DECORRELATED, DerivedCorrection, injected
from pocket.corrections.files import find_corrections
from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.weights.base import WeightWrapper
from pocket.weights.objects import FlatObjects, any_of, each_of, flat

COMBINE = ("product", "any")


class DerivedWeight(WeightWrapper):
    """Base class of weights from files of the chain.

    The variations are those of the total uncertainty, or of the sources in ``_variations``. Inside a shape variation, a
    factor is nominal, unless its file has a key for the variation, e.g. ``JES_Total_up`` for ``JES_TotalUp``. In
    variations of the weight that it follows, it uses the file's keys for them. It is 1 while one of its scale factors
    isn't applied, for example in the first iteration of coupled scale factors.

    Attributes:
        inputs: axis → column, where the names differ.
    """

    has_variations = True
    scale_factor: ClassVar[str]
    inputs: ClassVar[Mapping[str, str]] = {}
    usual_inputs: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of the derived scale factors that the weight applies."""
        return (cls.scale_factor,)

    @classmethod
    def systematics(cls) -> Mapping[str, tuple[str, ...]]:
        """Return the scale factor → systematics that its file must have for the weight's variations."""
        if not cls.has_variations:
            return {}
        sources = [f"{variation}_" for variation in cls._variations] or [""]
        return {cls.scale_factor: tuple(f"{source}{side}" for source in sources for side in ("up", "down"))}

    @classmethod
    def named_inputs(cls) -> tuple[str, ...]:
        """Return the names of the explicit inputs."""
        return tuple(axis for axis, column in cls.inputs.items() if cls.usual_inputs.get(axis) != column)

    @classmethod
    def make(cls, name: str, variations: Sequence[str], **attributes: Any) -> type[Self]:
        """Return a weight class with a name, variations and attributes."""
        if isinstance(variations, str) or len(set(variations)) < len(variations):
            raise ConfigError(f"weight {name!r}: variations must be a list of different names, not {variations!r}")
        return type(name, (cls,), {"name": name, "_variations": tuple(variations), **attributes})

    def at(self, events: Any, size: int, shape_variation: str) -> Callable[[str], Floats]:
        """Return the weight as a function of the systematic, with results of shape (size,)."""
        raise NotImplementedError(f"weight {self.name!r} has no at()")

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        if self._left_out:
            return self._one(size, shape_variation)
        weight = self.at(events, size, shape_variation)
        correction = self.correction(self.scale_factor)
        if self.needs_variations(shape_variation):
            self._check_statistics(correction)
        nominal = weight(correction.nominal_in(shape_variation))
        return self.with_variations(
            nominal, shape_variation, lambda source, side: weight(f"{source}_{side}" if source else side)
        )

    def compute_following(self, events: Any, size: int, keys: Sequence[str]) -> Mapping[str, Any]:
        """Return the weight in variations of the weight that it follows."""
        if self._left_out:
            return dict.fromkeys(keys, np.ones(size))
        weight = self.at(events, size, "nominal")
        return {key: weight(key) for key in keys}

    def correction(self, scale_factor: str, of: str = "") -> DerivedCorrection:
        """Return the correction of a scale factor, or the one with a suffix to its name."""
        file = self.params.get("scale_factors", {}).get(scale_factor)
        if file is None:
            raise ConfigError(f"weight {self.name!r}: the file of scale factor {scale_factor!r} was not given")
        return DerivedCorrection(str(file), f"{scale_factor}{of}")

    def objects(self, events: Any, collection: str) -> FlatObjects:
        """Return the objects of a collection."""
        check_known("collection", [collection], events.fields, f"weight {self.name!r}")
        if events[collection].ndim < 2:
            raise ConfigError(
                f"weight {self.name!r}: {collection} is one record per event; leave out collection=, and name its "
                f"fields in inputs=, such as '{collection}.pt'"
            )
        return FlatObjects(events, collection)

    def inputs_of(self, correction: DerivedCorrection, column: Callable[[str], npt.NDArray[Any]]) -> Inputs:
        """Return the inputs of a correction: strings from the metadata, numbers from columns."""
        if len(self.scale_factors()) == 1:
            # The axes of an imported scale factor weren't known before.
            check_known("input", self.named_inputs(), correction.axes, f"inputs of weight {self.name!r}")
        return correction.inputs_of(self.inputs, self.metadata, column, f"weight {self.name!r}")

    @property
    def _left_out(self) -> bool:
        """Whether one of the scale factors isn't applied, which differs from an unknown file."""
        files = self.params.get("scale_factors", {})
        return any(name in files and files[name] is None for name in self.scale_factors())

    def _one(self, size: int, shape_variation: str) -> Any:
        one = np.ones(size)
        return self.with_variations(one, shape_variation, lambda source, side: one)

    def _check_statistics(self, correction: DerivedCorrection) -> None:
        # Only some of the decorrelated statistical variations would give too small an uncertainty.
        sources = {str(key).removesuffix("_up") for key in correction.systematics}
        independent = set(filter(DECORRELATED.fullmatch, sources))
        missing = independent - set(self.variations)
        if missing and independent & set(self.variations):
            raise ConfigError(
                f"weight {self.name!r}: variations lacks {', '.join(sorted(missing))} of the {len(independent)} "
                f"independent statistical variations of {correction.name!r}"
            )


class ScaleFactorWeight(DerivedWeight):
    """Weight from a derived scale factor for the objects of a collection or for events, see :meth:`wrap`."""

    collection: ClassVar[str | None]
    combine: ClassVar[str]
    passing: ClassVar[str | None]

    @classmethod
    @declarative
    def wrap(
        cls,
        name: str,
        scale_factor: str,
        collection: str | None = None,
        combine: str = "product",
        passing: str | None = None,
        inputs: Mapping[str, str] | None = None,
        variations: Sequence[str] = (),
        follows: str | None = None,
        has_variations: bool = True,
    ) -> type[ScaleFactorWeight]:
        """Return a weight class for one scale factor.

        Args:
            name: name of the weight.
            scale_factor: name of the scale factor in the analysis.
            collection: collection whose objects are the inputs. Without one, the inputs are columns of the events.
            combine: ``product`` of the objects' scale factors, or ``any`` for the ratio of the probabilities that at
                least one object passes, (1 − Π(1 − ε_data)) / (1 − Π(1 − ε_MC)), as for a trigger that any object may
                fire.
            passing: boolean field of the objects, true for those that pass. Without it, all of them do; with it,
                objects that fail have the factor (1 − ε_data) / (1 − ε_MC), as in a measurement of the efficiency.
            inputs: axis → field of the objects or column of the events, e.g. ``{"njet": "nJetGood"}``; with a dot it is
                a field of a record (``ll.pt``). The default is the name of the axis. ``abseta`` is |``eta``| if there
                is no ``abseta``. Axes of strings, such as ``sample`` and ``year``, use the dataset's metadata.
            variations: sources of uncertainty that vary separately, e.g. ``("stat", "signal")``; without any, there is
                one pair for the total uncertainty. All independent statistical variations must be listed: ``("stat1",
                "stat2", …)``.
            follows: name of a weight in whose variations this one uses the values that were measured for them: in
                ``sf_btag_hfUp`` those for ``hf_up``.
            has_variations: whether the weight has variations; a published scale factor may have no errors.

        Raises:
            UnknownNameError: if ``combine`` has another value.
            ConfigError: if ``any`` or ``passing`` has no collection or both are given, the variations aren't a list of
                different names, or there are some although ``has_variations`` is false.
        """
        if variations and not has_variations:
            raise ConfigError(f"weight {name!r} has the variations {', '.join(variations)}, set has_variations=True")
        if combine not in COMBINE:
            raise UnknownNameError("way to combine", combine, COMBINE, f"weight {name!r}")
        if combine == "any" and collection is None:
            raise ConfigError(f"weight {name!r}: combine='any' needs the collection of the objects")
        if passing is not None and (collection is None or combine != "product"):
            raise ConfigError(
                f"weight {name!r}: passing={passing!r} needs the collection of the objects, each of which counts"
            )
        return cls.make(
            name,
            variations,
            scale_factor=scale_factor,
            collection=collection,
            combine=combine,
            passing=passing,
            inputs=dict(inputs or {}),
            follows=follows,
            has_variations=has_variations,
        )

    def at(self, events: Any, size: int, shape_variation: str) -> Callable[[str], Floats]:
        """Return the weight as a function of the systematic, with results of shape (size,)."""
        if self.collection is None:
            correction = self.correction(self.scale_factor)
            of_events = self.inputs_of(correction, lambda path: flat(field(events, path, "events"), path, "event"))
            return lambda systematic: correction.evaluate(of_events, systematic, size)
        objects = self.objects(events, self.collection)
        if self.combine == "product" and self.passing is None:
            correction = self.correction(self.scale_factor)
            inputs = self.inputs_of(correction, objects.__getitem__)
            return lambda systematic: objects.product(correction.evaluate(inputs, systematic, objects.size))
        data, mc = (self.correction(self.scale_factor, f"_efficiency_{of}") for of in ("data", "mc"))
        inputs = self.inputs_of(data, objects.__getitem__)
        simulated = mc.evaluate(inputs, "nominal", objects.size)
        if self.passing is None:
            return lambda systematic: any_of(
                data.evaluate(inputs, systematic, objects.size), simulated, objects, self.scale_factor
            )
        passing = objects.flags(self.passing, f"weight {self.name!r}")
        return lambda systematic: each_of(data.evaluate(inputs, systematic, objects.size), simulated, passing, objects)


class InjectedWeight(ScaleFactorWeight):
    """Weight of objects that pass or fail with known scale factors in bins of their efficiency in simulation.

    Closures in simulated events apply it instead of measured ones.
    """

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
