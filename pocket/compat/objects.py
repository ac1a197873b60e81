"""PocketCoffea's functions of jets and of the missing momentum that workflows call or import."""

from __future__ import annotations

from typing import Any, NoReturn

import awkward as ak
import numpy as np

from pocket.base.arrays.jagged import by_descending
from pocket.calibrators.met_xy import shifted_momentum
from pocket.corrections.files import find_corrections, load_set
from pocket.errors import ConfigError
from pocket.objects import nanoaod
from pocket.objects.photons import parts_of_photons, select_photons
from pocket.parameters.access import parameter

#: Flavour of generated leptons → their codes.
_LEPTONS = {"Electron": (11,), "Muon": (13,), "Both": (11, 13)}
_TAU = 15


def compute_jetId(events: Any, jet_type: str, params: Any, year: str) -> Any:
    """Return the identification of jets, see :func:`pocket.objects.jet_id`, which needs neither parameters nor year."""
    return nanoaod.jet_id(events, jet_type)


def get_rho(events: Any, nano_version: int) -> Any:
    """Return the energy density of the pileup, see :func:`pocket.objects.rho`, which needs no version."""
    return nanoaod.rho(events)


def photon_selection(events: Any, photon_collection: str, params: Any, leptons_collection: str = "") -> Any:
    """Return selected photons, see :func:`pocket.objects.photon_selection`; the transition is one of their own eta."""
    return select_photons(events, photon_collection, params, leptons_collection, parts_of_photons)


def getGenLeptons(events: Any, lepton_flavour: str, params: Any) -> Any:
    """Return generated electrons and muons of the final state whose mother is no tau, in descending order of pt.

    A lepton of a tau that radiated is kept, because its mother is its own copy;
    :func:`pocket.objects.getGenLeptons` finds the tau.
    """
    if lepton_flavour not in _LEPTONS:
        raise ValueError(f"getGenLeptons has no flavour {lepton_flavour!r}; known: {', '.join(_LEPTONS)}")
    cuts, particles = params.object_preselection.GEN_Lep, events.GenPart
    code = abs(particles.pdgId)
    of_flavour = ak.any([code == one for one in _LEPTONS[lepton_flavour]], axis=0)
    from_tau = ak.fill_none(abs(particles.parent.pdgId) == _TAU, False)
    return by_descending(
        particles[
            of_flavour
            & ~from_tau
            & (particles.status == 1)
            & (abs(particles.eta) < cuts["eta"])
            & (particles.pt > cuts["pt"])
        ],
        "pt",
    )


def load_correction_set(path: str) -> Any:
    """Return the corrections of a file of correctionlib, read once per process and content.

    Weights of our own use :func:`pocket.corrections.evaluate` instead.
    """
    return load_set(find_corrections(path))


def met_xy_correction(params: Any, events: Any, METcol: str, year: str, era: str) -> tuple[Any, Any]:
    """Return pt and azimuth of the missing momentum after the correction of its modulation in the azimuth.

    ``MET_xy.MC.{year}``, or ``MET_xy.Data.{year}.{era}``, has slope and offset of the shift of x, and those of y, as
    functions of the number of primary vertices. The era of simulation is ``MC``.
    """
    place = ("MC", year) if era == "MC" else ("Data", year, era)
    met = events[METcol]
    pt, phi = shifted_momentum(met.pt, met.phi, events.PV.npvs, parameter(params, "MET_xy", *place))
    return pt, phi


def met_correction_after_jec(events: Any, METcoll: str, jets_pre_jec: Any, jets_post_jec: Any) -> dict[str, Any]:
    """Return pt and azimuth of the missing momentum after a change of the jets."""
    before, after = jets_pre_jec, jets_post_jec
    x = events[METcoll].px - (ak.sum(after.px, axis=1) - ak.sum(before.px, axis=1))
    y = events[METcoll].py - (ak.sum(after.py, axis=1) - ak.sum(before.py, axis=1))
    return {"pt": np.hypot(x, y), "phi": np.arctan2(y, x)}


def jet_correction(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to correct jets, which the calibrators of the configuration do."""
    raise ConfigError(
        "jet_correction can't be called in a workflow here: list JetsCalibrator in the calibrators of the "
        "configuration, which corrects jets before the workflow sees them"
    )
