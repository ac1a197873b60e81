"""Scale factors of photons, as a product over the photons of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.arrays.jagged import elements_of
from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input, kinds, plain_name
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError
from pocket.objects.photons import photon_supercluster_eta
from pocket.parameters.access import parameter
from pocket.weights.base import WeightData, WeightOfYear
from pocket.weights.objects import FlatObjects

#: |eta| of the supercluster between the bins of the vetoes in barrel and endcap, as in the files of Run 3.
BARREL_END = 1.5
#: Below this pt in GeV, some corrections have working points of their own, with this suffix.
_LOW_PT, _LOW_SUFFIX = 20.0, "Below20"
#: Bins of Run 2 in barrel and endcap, for all shapes of the shower; the input is named ``HasPixBin`` or ``CSEVBin``.
_BARREL, _ENDCAP = "EBInc", "EEInc"
_NAMED_BINS = ("haspixbin", "csevbin")
#: Fields of photons that corrections depend on.
_FIELDS = ("pt", "phi", "r9")


class PhotonWeight(WeightOfYear):
    """Base class of the photons' weights.

    The correction is ``sf_name.<year>.<what>`` of ``JSONfiles.<year>.file`` in ``photon_scale_factors.photon_sf``, the
    photons are all those of ``collection``, which therefore must have passed the identification or veto. The working
    point belongs to ``object_preselection.Photon.id`` or, without it, ``cutBased``, by
    ``working_point.<year>.<identification or veto>``. The correction's name of the year is ``era_mapping.<year>``.
    Pseudorapidities are those of superclusters (:func:`~pocket.objects.photons.photon_supercluster_eta`). Photons
    beyond the outermost bins use these bins. Source: EGM, photon.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/EGM_2018_UL_photon.html).
    """

    has_variations = True
    what: ClassVar[str]
    points: ClassVar[str]
    KINDS: ClassVar = {"nominal": "sf", "up": "sfup", "down": "sfdown"}

    def parameter(self, *path: str) -> Any:
        """Return a parameter of photons."""
        return parameter(self.params, "photon_scale_factors", "photon_sf", *path)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        file = self.parameter("JSONfiles", self.year, "file")
        return [(str(file), str(self.parameter("sf_name", self.year, self.what)))]

    def working_point(self) -> str:
        """Return the working point of the correction."""
        cuts = parameter(self.params, "object_preselection", "Photon")
        if cuts.get("id") is None and cuts.get("mvaID") is not None:
            raise ConfigError(
                f"weight {self.name!r}: there are scale factors for working points only, so object_preselection.Photon "
                "must have id (such as mvaID_WP90) or cutBased instead of mvaID"
            )
        identification = cuts.get("id")
        if identification is None:
            identification = parameter(self.params, "object_preselection", "Photon", "cutBased")
        return str(self.parameter("working_point", self.year, self.points, str(identification)))

    def check_parameters(self) -> None:
        """Check that the parameters have a working point."""
        self.working_point()

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        photons = FlatObjects(events, self.parameter("collection"))
        eta = np.asarray(elements_of(photon_supercluster_eta(events, photons.objects)), dtype=np.float64)
        columns = {"eta": eta, "abseta": np.abs(eta), **{name: photons[name] for name in _FIELDS if name in photons}}
        inputs = Inputs({"year": str(self.parameter("era_mapping", self.year)), **columns})
        sides = tuple(self.KINDS) if self.needs_variations(shape_variation) else ("nominal",)
        return WeightData(self.name, *(photons.product(self.factors(inputs, side)) for side in sides))

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each photon; ``side`` is ``nominal``, ``up`` or ``down``."""
        ((file, name),) = self.corrections()
        kind, point = kind_input(self.KINDS[side]), self.working_point()
        named = {plain_name(variable.name) for variable in load_correction(file, name).inputs} & {*_NAMED_BINS}
        if named:
            barrel, endcap = (
                evaluate(file, name, inputs.with_texts({"workingpoint": point, **kind, **dict.fromkeys(named, place)}))
                for place in (_BARREL, _ENDCAP)
            )
            return np.where(np.asarray(inputs["abseta"]) < BARREL_END, barrel, endcap)
        low = np.asarray(inputs["pt"]) < _LOW_PT
        if not low.any() or f"{point}{_LOW_SUFFIX}" not in kinds(file, name, ("workingpoint",)):
            return evaluate(file, name, inputs.with_texts({"workingpoint": point, **kind}))
        factors = np.empty(len(low))
        for mask, chosen in ((low, f"{point}{_LOW_SUFFIX}"), (~low, point)):
            factors[mask] = evaluate(file, name, inputs.chosen(mask).with_texts({"workingpoint": chosen, **kind}))
        return factors


class PhotonId(PhotonWeight):
    """Scale factor of photon identification, see :class:`PhotonWeight`.

    Below 20 GeV, the working points ``…Below20`` are used where the correction has them.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> PhotonId(get_default_parameters(), {"year": "2022_preEE", "isMC": True}).working_point()
        'Medium'
    """

    name = "sf_pho_id"
    what = "id"
    points = "id"


class PhotonPixelSeed(PhotonWeight):
    """Scale factor of the veto of pixel seeds (``pixelSeedVeto`` of the selection), see :class:`PhotonWeight`.

    Run 2 has one for barrel and endcap each, which is used here, and others by the shape of the shower. An analysis
    applies this weight or :class:`PhotonElectronVeto`.
    """

    name = "sf_pho_pxseed"
    what = "pxseed"
    points = "veto"


class PhotonElectronVeto(PhotonWeight):
    """Scale factor of the conversion-safe electron veto (``electronVeto`` of the selection), see :class:`PhotonWeight`.

    Run 2 has one for barrel and endcap each, as for :class:`PhotonPixelSeed`.
    """

    name = "sf_pho_csev"
    what = "csev"
    points = "veto"
