"""PocketCoffea's weights of photons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.typing import Floats
from pocket.compat.weights import Sides, sides_of
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input, kinds
from pocket.errors import check_known
from pocket.parameters.access import parameter
from pocket.weights import base
from pocket.weights.objects import FlatObjects

#: Working point of both corrections, and bin of the veto of pixel seeds, as PocketCoffea has them.
_WORKING_POINT, _BIN = "Medium", "EBInc"
#: Sides of a weight, as PocketCoffea asks for them, and as the files of the group have them.
_KINDS = ("nominal", "systup", "systdown")
_KINDS_OF_FILES = ("sf", "sfup", "sfdown")


class PhotonWeight(base.WeightWrapper):
    """Base class of the scale factors of photons, as a product over the photons of an event.

    The correction is ``sf_name.<year>.<what>`` of ``JSONfiles.<year>.file`` in ``photon_scale_factors.photon_sf``, the
    photons are those of ``collection``.
    """

    has_variations = True
    what: ClassVar[str]

    def _parameter(self, *path: str) -> str:
        return str(parameter(self.params, "photon_scale_factors", "photon_sf", *path))

    def corrections(self) -> Sequence[tuple[str, str]]:
        year = str(self.metadata["year"])
        return [(self._parameter("JSONfiles", year, "file"), self._parameter("sf_name", year, self.what))]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        ((file, name),) = self.corrections()
        photons = FlatObjects(events, self._parameter("collection"))
        inputs = Inputs(
            {
                "year": self._parameter("era_mapping", str(self.metadata["year"])),
                "workingpoint": _WORKING_POINT,
                "haspixbin": _BIN,
                **{field: photons[field] for field in ("eta", "pt", "phi", "r9") if field in photons},
            }
        )

        def product(kind: str) -> Floats:
            # A correction whose inputs are all strings is one number.
            factors = evaluate(file, name, inputs.with_texts(kind_input(kind)))
            return photons.product(np.broadcast_to(factors, photons.size))

        every = _KINDS if _KINDS[0] in kinds(file, name) else _KINDS_OF_FILES
        return base.WeightData(self.name, *map(product, every if self.needs_variations(shape_variation) else every[:1]))


class PhotonId(PhotonWeight):
    """Scale factor of the identification of photons."""

    name = "sf_pho_id"
    what = "id"


class PhotonPixelSeed(PhotonWeight):
    """Scale factor of the veto of pixel seeds."""

    name = "sf_pho_pxseed"
    what = "pxseed"


_BY_KEY: Mapping[str, type[PhotonWeight]] = {cls.what: cls for cls in (PhotonId, PhotonPixelSeed)}


def sf_photon(params: Any, events: Any, year: str, key: str = "") -> Sides:
    """Return a weight of photons with its up and down variation: ``id`` or ``pxseed``."""
    check_known("weight of photons", [key], _BY_KEY, "sf_photon")
    return sides_of(_BY_KEY[key], params, events, year)
