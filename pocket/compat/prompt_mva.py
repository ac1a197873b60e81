"""PocketCoffea's scale factors of leptons that the prompt-lepton MVA selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.typing import Floats
from pocket.compat.weights import Sides, sides_of
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input
from pocket.parameters.access import parameter
from pocket.weights import base
from pocket.weights.objects import FlatObjects

#: Largest pt in GeV of the corrections that aren't POG's.
_HIGHEST = 499.99
_SIDES = ("nominal", "up", "down")


class PromptMVA(base.WeightWrapper):
    """Base class of the scale factors, as a product over the leptons of an event.

    ``promptMVA_jsons.<year>`` of the flavour's section in ``lepton_scale_factors`` has the ``file``. With ``keys`` or
    ``key``, these are the corrections in POG's file; without, it is a file as for 2022 and 2023 in PocketCoffea, which
    has the correction ``own``.
    """

    has_variations = True
    flavour: ClassVar[str]
    own: ClassVar[str]

    def _parameter(self, *path: str) -> Any:
        return parameter(self.params, "lepton_scale_factors", self.flavour, *path)

    def _names(self) -> list[str] | None:
        """Return the names of POG's corrections, ``None`` for other files."""
        year = self._parameter("promptMVA_jsons", str(self.metadata["year"]))
        found = year.get("keys", None) or year.get("key", None)
        if found is None:
            return None
        return [str(found)] if isinstance(found, str) else list(map(str, found))

    def corrections(self) -> Sequence[tuple[str, str]]:
        file = str(self._parameter("promptMVA_jsons", str(self.metadata["year"]), "file"))
        return [(file, name) for name in self._names() or [self.own]]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        leptons = FlatObjects(events, self._parameter("collection"))
        pt, eta = leptons["pt"], leptons["eta"]
        of_group = self._names() is not None
        inputs = Inputs(
            {"eta": eta, "abseta": np.abs(eta), "pt": pt, **self.texts()}
            if of_group
            else {"eta": np.abs(eta), "abseta": np.abs(eta), "pt": np.clip(pt, 0, _HIGHEST)}
        )

        def product(side: str) -> Floats:
            texts = kind_input(self.kind(side, of_group))
            factors = [evaluate(file, name, inputs.with_texts(texts)) for file, name in self.corrections()]
            return leptons.product(np.prod(factors, axis=0))

        sides = _SIDES if self.needs_variations(shape_variation) else _SIDES[:1]
        return base.WeightData(self.name, *map(product, sides))

    def texts(self) -> dict[str, str]:
        """Return further inputs of POG's corrections."""
        return {}

    def kind(self, side: str, of_group: bool) -> str:
        """Return the corrections' name of the nominal value, of up or of down."""
        return side if side == "nominal" else f"syst{side}"


class MuonPromptMVA(PromptMVA):
    """Scale factor of muons."""

    name = "sf_mu_promptMVA"
    flavour, own = "muon_sf", "NUM_TightmvaTTH_DEN_LooseMuons"


class ElectronPromptMVA(PromptMVA):
    """Scale factor of electrons, of POG's working point PromptMVA-Tight."""

    name = "sf_ele_promptMVA"
    flavour, own = "electron_sf", "NUM_TightmvaTTH_DEN_LooseElectrons"

    def texts(self) -> dict[str, str]:
        """Return the year and the working point."""
        year = str(self._parameter("era_mapping", str(self.metadata["year"]), "id"))
        return {"year": year, "workingpoint": "PromptMVA-Tight"}

    def kind(self, side: str, of_group: bool) -> str:
        if not of_group:
            return super().kind(side, of_group)
        return "sf" if side == "nominal" else f"sf{side}"


def sf_mu_promptmva(params: Any, events: Any, year: str, key: str = "") -> Sides:
    """Return the weight of muons with its up and down variation; ``key`` is accepted."""
    return sides_of(MuonPromptMVA, params, events, year)


def sf_ele_promptmva(params: Any, events: Any, year: str, key: str = "") -> Sides:
    """Return the weight of electrons with its up and down variation; ``key`` is accepted."""
    return sides_of(ElectronPromptMVA, params, events, year)
