"""Shipped weights of whole events (generator, normalisation, pileup, prefiring), and the list of all weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from pocket.base.runtime.user_code import UserCall
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, named_correction
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.access import parameter
from pocket.parameters.values import names_of
from pocket.weights.base import NormalisationWeight, WeightData, WeightWrapper
from pocket.weights.btag import BTagCalibration, BTagCalibrationVaried, BTagFixedWorkingPoint, BTagShape
from pocket.weights.ctag import CTagCalibration, CTagShape
from pocket.weights.jets import JetPileupId
from pocket.weights.leptons import ElectronId, ElectronReco, ElectronTrigger, MuonId, MuonIso, MuonReco, MuonTrigger
from pocket.weights.pdf import AlphaS, PDFWeight
from pocket.weights.photons import PhotonElectronVeto, PhotonId, PhotonPixelSeed
from pocket.weights.shower_variations import PartonShowerSplit
from pocket.weights.taus import TauVsElectron, TauVsJet, TauVsMuon
from pocket.weights.theory import (
    FactorisationScale,
    PartonShowerFSR,
    PartonShowerISR,
    QCDScale,
    QCDScalePoints,
    RenormalisationScale,
)
from pocket.weights.top_pt import TopPtData, TopPtNNLO


class GenWeight(WeightWrapper):
    """``genWeight`` of NanoAOD; its sum over all events before any cut normalises the dataset."""

    name = "genWeight"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the generator weight."""
        return events.genWeight


class SignOfGenWeight(WeightWrapper):
    """Sign of ``genWeight``; the dataset is normalised to the sum of signs."""

    name = "signOf_genWeight"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return -1, 0 or 1."""
        return np.sign(np.asarray(events.genWeight))


class Lumi(NormalisationWeight):
    """Integrated luminosity in 1/pb, ``lumi.picobarns.<year>.tot`` of the parameters."""

    name = "lumi"

    def factor(self) -> float:
        """Return the luminosity of the dataset's year in 1/pb."""
        table = parameter(self.params, "lumi", "picobarns")
        year = str(self.metadata["year"])
        if year not in table:
            raise UnknownNameError("year", year, names_of(table), "lumi.picobarns of the parameters")
        return as_number(table[year].get("tot"), f"lumi.picobarns.{year}.tot")

    def check_parameters(self) -> None:
        """Check that the parameters have the luminosity of the dataset's year."""
        table, year = self.params.get("lumi", {}).get("picobarns", {}), str(self.metadata["year"])
        # The plan resolves a reference anyway, which takes OmegaConf 2 ms, so it isn't resolved here.
        if not (year in table and OmegaConf.is_interpolation(table[year], "tot")):
            normalisation_factor(self)


class CrossSection(NormalisationWeight):
    """Cross section in pb, ``xsec`` of the dataset's metadata."""

    name = "XS"

    def factor(self) -> float:
        """Return the cross section in pb."""
        return as_number(self.metadata["xsec"], "xsec of the metadata")


class Pileup(WeightWrapper):
    """Pileup reweighting with the correctionlib files of the luminosity POG.

    The file is ``pileup.<year>.file``, the correction in it ``pileup.<year>.name``; inputs are
    NumTrueInteractions and the kind ``nominal``, ``up`` or ``down``
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/LUM_2018_UL_puWeights.html).
    """

    name = "pileup"
    has_variations = True

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [named_correction(self.params, "pileup", str(self.metadata["year"]))]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        ((file, name),) = self.corrections()
        number, text = (
            next(
                variable.name
                for variable in load_correction(file, name).inputs
                if (variable.type == "string") == is_text
            )
            for is_text in (False, True)
        )
        inputs = Inputs({number: np.asarray(events.Pileup.nTrueInt)})
        sides = ("nominal", "up", "down") if self.needs_variations(shape_variation) else ("nominal",)
        values = (evaluate(file, name, inputs.with_texts({text: side}), clamped=False) for side in sides)
        return WeightData(self.name, *values)


class L1Prefiring(WeightWrapper):
    """Weight for events that were lost since their trigger fired one bunch crossing early, in 2016 to 2018.

    It is ``L1PreFiringWeight_Nom``, with ``_Up`` and ``_Dn``, of NanoAOD (from version 9)
    (https://twiki.cern.ch/twiki/bin/viewauth/CMS/L1PrefiringWeightRecipe).
    """

    name = "sf_L1prefiring"
    has_variations = True

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        weights = events.L1PreFiringWeight
        return WeightData(self.name, weights.Nom, weights.Up, weights.Dn)


common_weights: list[type[WeightWrapper]] = [
    GenWeight,
    SignOfGenWeight,
    Lumi,
    CrossSection,
    Pileup,
    L1Prefiring,
    ElectronReco,
    ElectronId,
    ElectronTrigger,
    PhotonId,
    PhotonPixelSeed,
    PhotonElectronVeto,
    MuonId,
    MuonIso,
    MuonReco,
    MuonTrigger,
    TauVsJet,
    TauVsElectron,
    TauVsMuon,
    BTagShape,
    BTagCalibration,
    BTagCalibrationVaried,
    BTagFixedWorkingPoint,
    CTagShape,
    CTagCalibration,
    JetPileupId,
    PartonShowerISR,
    PartonShowerFSR,
    QCDScale,
    RenormalisationScale,
    FactorisationScale,
    QCDScalePoints,
    PDFWeight,
    AlphaS,
    PartonShowerSplit,
    TopPtNNLO,
    TopPtData,
]


def as_number(value: Any, what: str) -> float:
    """Return a value that a user wrote as a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{what} must be a number, not {value!r}") from None


def normalisation_factor(weight: NormalisationWeight) -> float:
    """Return the factor of a weight that is applied when outputs are merged."""
    with UserCall("weight", weight.name):
        factor = weight.factor()
    if not (np.isfinite(factor) and factor > 0):
        raise ConfigError(f"weight {weight.name!r} must be a positive number, not {factor}")
    return factor
