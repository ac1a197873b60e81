"""Weight for b tagging at a working point, from efficiencies and scale factors that the chain derives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs
from pocket.weights.btag import BTagFixedWorkingPoint, method_1a
from pocket.weights.objects import FlatObjects
from pocket.weights.scale_factor import DerivedWeight

#: Axis → its column in NanoAOD.
INPUTS = {"flavor": "hadronFlavour"}


class FixedWorkingPointWeight(DerivedWeight):
    """Weight from the tagged and untagged jets of an event (method 1a), see :meth:`wrap`."""

    usual_inputs = INPUTS
    efficiency: ClassVar[str]
    collection: ClassVar[str]
    tagged: ClassVar[str]

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of the derived efficiency and scale factor."""
        return (cls.efficiency, cls.scale_factor)

    @classmethod
    @declarative
    def wrap(
        cls,
        name: str,
        efficiency: str,
        scale_factor: str,
        collection: str,
        tagged: str,
        inputs: Mapping[str, str] | None = None,
        variations: Sequence[str] = (),
    ) -> type[FixedWorkingPointWeight]:
        """Return a weight class for one working point.

        The weight is Π(tagged) SF · Π(untagged) (1 − SF ε) / (1 − ε), with the efficiency ε in simulation; SF is at
        most 1 / ε.
        Source: https://btv-wiki.docs.cern.ch/PerformanceCalibration/fixedWPSFRecommendations/.

        Args:
            name: name of the weight.
            efficiency: name of the efficiency map in the analysis.
            scale_factor: name of the scale factor in the analysis.
            collection: the jets that may be tagged; all of them are used, so it must be the collection before any b
                tag.
            tagged: their boolean field that is true for tagged jets.
            inputs: axis → field of the jets, as in :meth:`ScaleFactorWeight.wrap`, for both; ``flavor`` is
                ``hadronFlavour`` by default.
            variations: sources of uncertainty of the scale factor, as in :meth:`ScaleFactorWeight.wrap`.

        Raises:
            ConfigError: if the variations aren't a list of different names.
        """
        return cls.make(
            name,
            variations,
            efficiency=efficiency,
            scale_factor=scale_factor,
            collection=collection,
            tagged=tagged,
            inputs={**INPUTS, **(inputs or {})},
        )

    def at(self, events: Any, size: int, shape_variation: str) -> Callable[[str], Floats]:
        """Return the weight as a function of the scale factor's systematic, with results of shape (size,)."""
        jets = self.objects(events, self.collection)
        tagged = jets.flags(self.tagged, f"weight {self.name!r}")
        of_efficiency, of_factors = (self.correction(name) for name in self.scale_factors())
        inputs = self.inputs_of(of_factors, jets.__getitem__)
        efficiency = of_efficiency.evaluate(
            self.inputs_of(of_efficiency, jets.__getitem__), of_efficiency.nominal_in(shape_variation), jets.size
        )
        return lambda systematic: jets.product(
            method_1a(self.name, tagged, of_factors.evaluate(inputs, systematic, jets.size), efficiency)
        )


class BTagWorkingPointWeight(BTagFixedWorkingPoint, DerivedWeight):
    """Weight at a working point from the group's scale factors and an efficiency of the chain, see :meth:`wrap`."""

    usual_inputs = INPUTS

    @classmethod
    @declarative
    def wrap(cls, name: str, efficiency: str, inputs: Mapping[str, str] | None = None) -> type[BTagWorkingPointWeight]:
        """Return a weight class for the working point of the parameters.

        It is :class:`~pocket.weights.BTagFixedWorkingPoint`, with its parameters and variations, but with an
        :class:`~pocket.scale_factors.EfficiencyMap` instead of ``jet_scale_factors.btag_efficiency``, which needn't be
        there.

        Args:
            name: name of the weight.
            efficiency: name of the efficiency map in the analysis.
            inputs: axis → field of the jets; ``flavor`` is ``hadronFlavour`` by default.

        Example:
            >>> BTagWorkingPointWeight.wrap("sf_btag_wp", efficiency="btag_efficiency").scale_factors()
            ('btag_efficiency',)
        """
        return cls.make(name, (), scale_factor=efficiency, inputs={**INPUTS, **(inputs or {})})

    @classmethod
    def systematics(cls) -> Mapping[str, tuple[str, ...]]:
        """Return nothing, since the efficiency doesn't vary."""
        return {}

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the scale factors."""
        return self.scale_factor_corrections()

    def efficiency(self, jets: FlatObjects, inputs: Inputs, shape_variation: str) -> Floats:
        """Return the efficiency of each jet in simulation, shape (n jets,)."""
        correction = self.correction(self.scale_factor)
        of_axes = self.inputs_of(correction, jets.__getitem__)
        return correction.evaluate(of_axes, correction.nominal_in(shape_variation), jets.size)

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        if self._left_out:
            return self._one(size, shape_variation)
        return super().compute(events, size, shape_variation)
