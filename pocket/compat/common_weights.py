"""The weights that PocketCoffea ships: ours, except where it has others."""

from __future__ import annotations

from pocket.compat.photon_weights import PhotonId, PhotonPixelSeed
from pocket.compat.prompt_mva import ElectronPromptMVA, MuonPromptMVA
from pocket.compat.tagging import BTagShape, CTagCalibration, CTagShape
from pocket.weights import event
from pocket.weights.base import WeightWrapper

_OWN: tuple[type[WeightWrapper], ...] = (
    *(BTagShape, CTagShape, CTagCalibration),
    *(PhotonId, PhotonPixelSeed),
    *(ElectronPromptMVA, MuonPromptMVA),
)
_REPLACED = {weight.name for weight in _OWN}

#: All weights that a configuration may name.
common_weights: list[type[WeightWrapper]] = [
    *(weight for weight in event.common_weights if weight.name not in _REPLACED),
    *_OWN,
]
