"""Scale factors of electrons and muons, as a product over the leptons of an event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import evaluate, kind_input, kinds, named_correction
from pocket.errors import ConfigError
from pocket.parameters.access import parameter
from pocket.weights.base import WeightData, WeightOfYear
from pocket.weights.objects import FlatObjects

_REGION = re.compile(r"pt(?:_gt_(?P<low>\d+))?(?:_lt_(?P<high>\d+))?")


class LeptonWeight(WeightOfYear):
    """Base class of the leptons' weights.

    The collection is ``lepton_scale_factors.<flavour>.collection``; all of its leptons are used, so it must be the one
    that the correction was measured for. Leptons beyond the outermost bins use these bins. The correction's name of the
    year is ``lepton_scale_factors.<flavour>.era_mapping.<year>.<what>``, by default the year itself.
    """

    has_variations = True
    flavour: ClassVar[str]
    what: ClassVar[str]

    def parameter(self, *path: str) -> Any:
        """Return a parameter of the flavour."""
        return parameter(self.params, "lepton_scale_factors", self.flavour, *path)

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        leptons = FlatObjects(events, self.parameter("collection"))
        era = self.parameter().get("era_mapping", {}).get(self.year, {}).get(self.what, self.year)
        inputs = Inputs({"year": str(era), "pt": leptons["pt"], **self.inputs(leptons)})
        sides = ("nominal", "up", "down") if self.needs_variations(shape_variation) else ("nominal",)
        return WeightData(self.name, *(leptons.product(self.factors(inputs, side)) for side in sides))

    def inputs(self, leptons: FlatObjects) -> dict[str, Input]:
        """Return the inputs of the correction other than year and pt."""
        raise NotImplementedError

    def correction(self) -> tuple[str, str]:
        """Return file and name of the correction."""
        raise NotImplementedError

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [self.correction()]

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each lepton; ``side`` is ``nominal``, ``up`` or ``down``."""
        raise NotImplementedError


class ElectronWeight(LeptonWeight):
    """Base class of the electrons' weights; the correction uses the pseudorapidity of the supercluster."""

    flavour = "electron_sf"
    KINDS: ClassVar = {"nominal": "sf", "up": "sfup", "down": "sfdown"}

    def inputs(self, leptons: FlatObjects) -> dict[str, Input]:
        """Return the pseudorapidity of the supercluster, its absolute value, and the azimuth."""
        eta = leptons["etaSC"] if "etaSC" in leptons else leptons["eta"] + leptons["deltaEtaSC"]
        return {"eta": eta, "abseta": np.abs(eta), "phi": leptons["phi"]}

    def correction(self) -> tuple[str, str]:
        """Return file and name of the correction for reconstruction or identification."""
        section = ("JSONfiles", self.year)
        return str(self.parameter(*section, "files", self.what)), str(self.parameter(*section, "name"))


class ElectronReco(ElectronWeight):
    """Scale factor of electron reconstruction, with one correction per range of pt.

    The file is ``JSONfiles.<year>.files.reco`` of ``lepton_scale_factors.electron_sf``, the correction
    ``JSONfiles.<year>.name``; ``JSONfiles.<year>.reco`` maps ranges (``pt_lt_20``, ``pt_gt_20_lt_75``, including the
    lower end) to the working points of the correction, such as RecoBelow20 and RecoAbove20. Source: EGM,
    electron.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/EGM_2018_UL_electron.html).
    """

    name = "sf_ele_reco"
    what = "reco"

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each electron from the range of its pt."""
        file, name = self.correction()
        pt = np.asarray(inputs["pt"])
        factors = np.full(len(pt), np.nan)
        for region, working_point in self.parameter("JSONfiles", self.year, "reco").items():
            match = _REGION.fullmatch(str(region))
            if match is None or match.lastindex is None:
                raise ConfigError(f"weight {self.name!r}: range {region!r} isn't like pt_lt_20 or pt_gt_20_lt_75")
            inside = (pt >= float(match["low"] or 0)) & (pt < float(match["high"] or np.inf))
            texts = {"workingpoint": working_point, **kind_input(self.KINDS[side])}
            factors[inside] = evaluate(file, name, inputs.chosen(inside).with_texts(texts))
        if np.isnan(factors).any():
            raise ConfigError(f"weight {self.name!r}: an electron's pt is in no range of JSONfiles.{self.year}.reco")
        return factors


class ElectronId(ElectronWeight):
    """Scale factor of electron identification.

    The file is ``JSONfiles.<year>.files.id`` of ``lepton_scale_factors.electron_sf``, the correction
    ``JSONfiles.<year>.name``; ``id`` maps ``object_preselection.Electron.id`` (one for all years, or year → one) to the
    working point of the correction, or is the working point for all. Source: EGM, electron.json.gz, as for
    :class:`ElectronReco`.
    """

    name = "sf_ele_id"
    what = "id"

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each electron."""
        working_point = self.parameter("id")
        if not isinstance(working_point, str):
            identification = parameter(self.params, "object_preselection", "Electron", "id")
            if not isinstance(identification, str):
                identification = parameter(self.params, "object_preselection", "Electron", "id", self.year)
            working_point = self.parameter("id", identification)
        texts = {"workingpoint": str(working_point), **kind_input(self.KINDS[side])}
        return evaluate(*self.correction(), inputs.with_texts(texts))


class ElectronTrigger(ElectronWeight):
    """Scale factor of the trigger for selections with one electron.

    File, correction and trigger path are ``file``, ``name`` and ``path`` of
    ``lepton_scale_factors.electron_sf.trigger_sf.<year>``. Source: EGM, electronHlt.json.gz (Run 3); there is none for
    Run 2, so the analysis provides its own.
    """

    name = "sf_ele_trigger"
    correlated = False
    what = "trigger"

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each electron."""
        path = self.parameter("trigger_sf", self.year).get("path", "")
        return evaluate(*self.correction(), inputs.with_texts({"path": path, **kind_input(self.KINDS[side])}))

    def correction(self) -> tuple[str, str]:
        """Return file and name of the correction for the trigger."""
        return named_correction(self.params, "lepton_scale_factors", self.flavour, "trigger_sf", self.year)


class MuonWeight(LeptonWeight):
    """Base class of the muons' weights: correction ``sf_name.<year>.<what>`` of the file ``JSONfiles.<year>.file``.

    Both versions of the muon group's files are supported: with the year and "sf", "systup", "systdown", and with
    "nominal", "systup", "systdown". If a file only has "stat" and "syst", the variations are their sum in quadrature.
    Source: MUO, muon_Z.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/MUO_2018_UL_muon_Z.html).
    """

    flavour = "muon_sf"

    def correction(self) -> tuple[str, str]:
        """Return file and name of the correction."""
        file, name = ("JSONfiles", self.year, "file"), ("sf_name", self.year, self.what)
        return str(self.parameter(*file)), str(self.parameter(*name))

    def inputs(self, leptons: FlatObjects) -> dict[str, Input]:
        """Return the pseudorapidity and its absolute value; the correction uses one of them."""
        return {"eta": leptons["eta"], "abseta": np.abs(leptons["eta"])}

    def factors(self, inputs: Inputs, side: str) -> Floats:
        """Return the scale factor of each muon."""
        file, name = self.correction()
        known = kinds(file, name)

        def value(kind: str) -> Floats:
            return evaluate(file, name, inputs.with_texts(kind_input(kind)))

        nominal = "nominal" if "nominal" in known else "sf"
        if side == "nominal":
            return value(nominal)
        if f"syst{side}" in known or not {"stat", "syst"} <= known:
            return value(f"syst{side}")
        uncertainty = np.hypot(value("stat"), value("syst"))
        return value(nominal) + (uncertainty if side == "up" else -uncertainty)


class MuonId(MuonWeight):
    """Scale factor of muon identification, see :class:`MuonWeight`."""

    name = "sf_mu_id"
    what = "id"


class MuonIso(MuonWeight):
    """Scale factor of muon isolation, see :class:`MuonWeight`."""

    name = "sf_mu_iso"
    what = "iso"


class MuonReco(MuonWeight):
    """Scale factor of the reconstruction of muons as tracker muons, see :class:`MuonWeight`.

    Where ``sf_name.<year>.reco`` is null, as in Run 3, for which the muon group has no such correction, the weight and
    its variations are 1.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> MuonReco(get_default_parameters(), {"year": "2018", "isMC": True}).correction()
        ('corrections://POG/MUO/2018_UL/muon_Z.json.gz', 'NUM_TrackerMuons_DEN_genTracks')
    """

    name = "sf_mu_reco"
    what = "reco"

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction, nothing in years without one."""
        return [] if self.parameter("sf_name", self.year, self.what) is None else super().corrections()

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        if not self.corrections():
            return WeightData(self.name, *[np.ones(size)] * 3)
        return super().compute(events, size, shape_variation)


class MuonTrigger(MuonWeight):
    """Scale factor of the trigger for selections with one muon, see :class:`MuonWeight`."""

    name = "sf_mu_trigger"
    correlated = False
    what = "trigger"
