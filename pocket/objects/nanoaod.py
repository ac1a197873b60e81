"""Differences between versions of NanoAOD: v9 (Run 2), v12 and v15 (Run 3).

| quantity | v9 | v12 | v15 |
| --- | --- | --- | --- |
| particle-flow missing momentum | ``MET`` | ``MET`` | ``PFMET`` |
| median energy density | ``fixedGridRhoFastjetAll`` | ``Rho_fixedGridRhoFastjetAll`` | as in v12 |
| AK4 jets | CHS, with ``Jet_puId`` | PUPPI, without it | PUPPI, without it |
| jet identification | ``Jet_jetId`` | ``Jet_jetId`` with wrong bits | not stored |
| MVA identification of electrons | ``mvaFall17V2Iso_WP80``, … | ``mvaIso_WP80``, … | as in v12 |
| eta of the supercluster | eta + ``deltaEtaSC`` | as in v9 | ``superclusterEta`` |

The version is inferred from the content of the events, so it needn't be declared. Versions before v9 count as v9, v10
and v11 as v12, v13 and v14 as v15, since the branches used here have the same names in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import ObjectColumns
from pocket.errors import MissingBranchError, UnknownNameError
from pocket.io.nanoaod.version import nano_version

#: Bits of the jet identification, as in Jet_jetId.
TIGHT, TIGHT_LEPTON_VETO = 1 << 1, 1 << 2
#: Algorithm of the missing momentum → its collections; a workflow may define the first one if it isn't stored.
MET_COLLECTIONS = {"PF": ("MET", "PFMET"), "Puppi": ("PuppiMET",)}
#: Prefix of electron identifications up to v9, which includes the training → prefix since v10.
ELECTRON_IDS = {"mvaFall17V2Iso": "mvaIso", "mvaFall17V2noIso": "mvaNoIso"}


def met(events: ak.Array, algorithm: str = "PF") -> ak.Array:
    """Return the missing transverse momentum, one record with pt and phi per event.

    Args:
        events: events of any version.
        algorithm: ``"PF"`` or ``"Puppi"``.

    Raises:
        UnknownNameError: for another algorithm.
        MissingBranchError: if the events have no missing momentum of this algorithm.
    """
    if algorithm not in MET_COLLECTIONS:
        raise UnknownNameError("algorithm of missing momentum", algorithm, MET_COLLECTIONS, "met")
    names = MET_COLLECTIONS[algorithm]
    for name in names:
        if name in events.fields:
            return events[name]
    raise MissingBranchError(f"the events have no {algorithm} missing momentum ({' or '.join(names)})")


def rho(events: ak.Array) -> ak.Array:
    """Return the median energy density for corrections of jets and isolations, in GeV, one per event.

    Raises:
        MissingBranchError: if the events don't have it.
    """
    if "Rho" in events.fields:
        return branch(events["Rho"], "fixedGridRhoFastjetAll", "Rho")
    if "fixedGridRhoFastjetAll" not in events.fields:
        raise MissingBranchError("the events have no energy density (fixedGridRhoFastjetAll)")
    return events["fixedGridRhoFastjetAll"]


def supercluster_eta(electrons: ak.Array) -> ak.Array:
    """Return eta of the electrons' superclusters, which agrees between all versions to 0.1 %.

    Examples:
        >>> supercluster_eta(ak.Array([[{"eta": 1.0, "deltaEtaSC": 0.5}]])).tolist()
        [[1.5]]
    """
    if "superclusterEta" in electrons.fields:
        return electrons["superclusterEta"]
    return electrons["eta"] + branch(electrons, "deltaEtaSC", "Electron")


def lepton_id(leptons: ak.Array, name: str, collection_name: str) -> ak.Array:
    """Return an identification of leptons by its name up to v9 or by its name in later versions.

    The training is that of the file, e.g. ``mvaIso`` was trained for the data-taking period of the file.

    Args:
        leptons: jagged records.
        name: name of a field, e.g. ``"tightId"``, ``"mvaIso_WP80"`` or ``"mvaFall17V2Iso_WP80"``.
        collection_name: ``"Electron"`` or ``"Muon"``.

    Raises:
        MissingBranchError: if there is no such field.

    Examples:
        >>> lepton_id(ak.Array([[{"mvaIso_WP90": True}]]), "mvaFall17V2Iso_WP90", "Electron").tolist()
        [[True]]
    """
    if name not in leptons.fields:
        for old, new in ELECTRON_IDS.items():
            for spelling in (name.replace(f"{old}_", f"{new}_"), name.replace(f"{new}_", f"{old}_")):
                if spelling in leptons.fields:
                    return leptons[spelling]
    return branch(leptons, name, collection_name)


def has_pileup_id(events: ak.Array) -> bool:
    """Tell whether the jets need the pileup identification (CHS, up to v9)."""
    return nano_version(events) == 9


def jet_id(events: ak.Array, jet_type: str = "Jet", file: str | None = None) -> ak.Array:
    """Return the identification of jets with the bits of Jet_jetId: 2 for tight, 4 for tight with lepton veto.

    Up to v9, it is the stored one. That of v12 lacks requirements outside of the tracker and has a wrong lepton veto;
    both are corrected here. Since v13, it is computed from the composition of the jets, by the formula or by JetMET's
    file, which agree. Source: https://twiki.cern.ch/twiki/bin/view/CMS/JetID13p6TeV (JetMET) and, for the correction,
    https://gitlab.cern.ch/cms-jetmet/coordination/coordination/-/issues/117.

    Args:
        events: events of any version.
        jet_type: AK4 jets (``"Jet"``), or AK8 jets if the name begins with ``"FatJet"``. In v12 those lack the
            composition, so only fat jets with \\|eta\\| up to 2.7 pass, without lepton veto.
        file: JetMET's jetid.json.gz, used since v13 instead of the formula; the parameters have it as
            ``jet_scale_factors.jet_id.<year>``.

    Returns:
        Jagged integers, shape (n events, n jets).

    Raises:
        UnknownNameError: if there is no such collection.
        MissingBranchError: if the jets lack a branch of the version.
    """
    return identification(collection(events, jet_type), nano_version(events), jet_type, file)


def identification(jets: ak.Array, version: int, jet_type: str, file: str | None = None) -> ak.Array:
    """Return :func:`jet_id` of jets for a version of NanoAOD."""
    if version == 9:
        return branch(jets, "jetId", jet_type)
    if version == 15 and file is not None:
        # The formula needs no corrections, so an analysis that uses it isn't run again when their code changes.
        from pocket.objects.jet_id_file import identification_of_file

        bits = {"Tight": TIGHT, "TightLeptonVeto": TIGHT_LEPTON_VETO}
        return identification_of_file(jets, jet_type, file, bits)
    columns = ObjectColumns(jets)
    jets = columns.objects

    def column(name: str) -> Any:
        return columns.flat(branch(jets, name, jet_type))

    abseta = abs(column("eta"))
    if version == 15:
        tight = _tight(abseta, column)
    else:
        tight = (column("jetId") & TIGHT) != 0
        if jet_type.startswith("FatJet"):
            return columns.lists((tight & (abseta <= 2.7)) * TIGHT)
        tight = tight & _per_eta(abseta, [(2.7, abseta <= 2.7), (3.0, column("neHEF") < 0.99)], column("neEmEF") < 0.4)
    few_leptons = (column("muEF") < 0.8) & (column("chEmEF") < 0.8)
    veto = tight & (few_leptons | (abseta > 2.7))
    return columns.lists(tight * TIGHT + veto * TIGHT_LEPTON_VETO)


def _tight(abseta: Any, column: Callable[[str], Any]) -> Any:
    """Return the mask of PUPPI jets that pass JetMET's tight identification (JetID13p6TeV)."""
    charged_hadrons, neutral_hadrons, photons = (column(name) for name in ("chHEF", "neHEF", "neEmEF"))
    # They are stored in one byte, which their sum may exceed.
    n_charged, n_neutral = (ak.values_astype(column(name), np.int64) for name in ("chMultiplicity", "neMultiplicity"))
    central = (
        (neutral_hadrons < 0.99)
        & (photons < 0.9)
        & (n_charged + n_neutral > 1)
        & (charged_hadrons > 0.01)
        & (n_charged > 0)
    )
    return _per_eta(
        abseta,
        [(2.6, central), (2.7, (neutral_hadrons < 0.9) & (photons < 0.99)), (3.0, neutral_hadrons < 0.99)],
        (n_neutral >= 2) & (photons < 0.4),
    )


def _per_eta(abseta: Any, regions: list[tuple[float, Any]], beyond: Any) -> Any:
    """Return the value of the first region whose upper edge isn't below |eta|, ``beyond`` above the last one."""
    chosen = beyond
    for edge, value in reversed(regions):
        chosen = np.where(abseta <= edge, value, chosen)
    return chosen
