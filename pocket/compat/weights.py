"""PocketCoffea's functions of scale factors over our weights, and weights that only it has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate
from pocket.errors import ConfigError
from pocket.parameters.access import parameter
from pocket.weights import base, event, jets, leptons, theory
from pocket.weights.objects import FlatObjects

#: Nominal weight, up and down variation, one number per event each.
Sides = tuple[Any, Any, Any]


def sides_of(weight: type[base.WeightWrapper], params: Any, events: Any, year: str = "") -> Sides:
    """Return the sides of a weight with one variation, as a processor would compute them."""
    computed = weight(params, {"year": year, "isMC": True}).compute(events, len(events), "nominal")
    return computed.nominal, computed.up, computed.down


def _of_events(weight: type[base.WeightWrapper], events: Any) -> Sides:
    """Return the sides of a weight that reads neither parameters nor the year."""
    return sides_of(weight, {}, events)


#: Weights of parameters, events and year.
sf_ele_reco = functools.partial(sides_of, leptons.ElectronReco)
sf_ele_id = functools.partial(sides_of, leptons.ElectronId)
sf_ele_trigger = functools.partial(sides_of, leptons.ElectronTrigger)
sf_pileup_reweight = functools.partial(sides_of, event.Pileup)
#: Weights of events: the prefiring of the level-1 trigger, and the scales of the parton shower and of QCD.
sf_L1prefiring = functools.partial(_of_events, event.L1Prefiring)  # noqa: N816
sf_partonshower_isr = functools.partial(_of_events, theory.PartonShowerISR)
sf_partonshower_fsr = functools.partial(_of_events, theory.PartonShowerFSR)
sf_qcd_renorm_scale = functools.partial(_of_events, theory.RenormalisationScale)
sf_qcd_factor_scale = functools.partial(_of_events, theory.FactorisationScale)


def sf_mu(params: Any, events: Any, year: str, key: str = "") -> Sides:
    """Return a weight of muons: ``id``, ``iso`` or ``trigger``."""
    known = {"id": leptons.MuonId, "iso": leptons.MuonIso, "trigger": leptons.MuonTrigger}
    if key not in known:
        raise ConfigError(f"sf_mu: {key!r} is none of {', '.join(known)}")
    return sides_of(known[key], params, events, year)


def sf_jet_puId(params: Any, jets_: Any, year: str, njets: Any = None) -> Sides:
    """Return the weight of the pileup identification of jets."""
    events = ak.Array(
        {parameter(params, "jet_scale_factors", "jet_collection", "puId"): jets_}, behavior=jets_.behavior
    )
    return sides_of(jets.JetPileupId, params, events, year)


class ElectronTriggerRun2(base.WeightWrapper):
    """Scale factor of the electron triggers of the ttH(bb) analysis in Run 2, with several uncertainties.

    File and correction are ``file`` and ``name`` in ``lepton_scale_factors.electron_sf.trigger_sf.{year}``; the
    correction has a key ``nominal``, and ``{variation}Up`` and ``Down`` for each name in
    ``systematic_variations.weight_variations.sf_ele_trigger.{year}``.
    """

    name = "sf_ele_trigger_run2"
    has_variations = True
    _section: ClassVar = ("lepton_scale_factors", "electron_sf")

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        # Its section has the name that it had in older releases.
        place = ("systematic_variations", "weight_variations", "sf_ele_trigger", metadata["year"])
        self._variations = tuple(parameter(params, *place))

    def compute(self, events: Any, size: int, shape_variation: str) -> base.WeightDataMultiVariation:
        place = (*self._section, "trigger_sf", self.metadata["year"])
        file, name = (parameter(self.params, *place, key) for key in ("file", "name"))
        electrons = FlatObjects(events, parameter(self.params, *self._section, "collection"))
        inputs = Inputs({"pt": electrons["pt"], "eta": electrons["etaSC"], "etaSC": electrons["etaSC"]})

        def product(kind: str) -> Any:
            texts = dict.fromkeys(("systematic", "variation", "ValType"), kind)
            return electrons.product(evaluate(file, name, inputs.with_texts(texts)))

        names = self.variations if self.needs_variations(shape_variation) else ()
        ups, downs = ([product(f"{each}{side}") for each in names] for side in ("Up", "Down"))
        return base.WeightDataMultiVariation(self.name, product("nominal"), names, ups, downs)


def WeightCustom(
    name: str, function: Callable[..., Sequence[Sequence[Any]]], variations: Sequence[str] | None = None
) -> type[base.WeightWrapper]:
    """Return a weight as older releases declare it.

    The function returns a list of one ``(name, nominal)``, or ``(name, nominal, up, down)`` if variations are given.
    """

    def compute(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        factors = [
            np.asarray(part)
            for _, *parts in function(params, events, size, metadata, shape_variation)
            for part in parts
        ]
        return factors[0] if len(factors) == 1 else tuple(factors)

    return base.WeightLambda.wrap_func(name=name, function=compute, has_variations=bool(variations))
