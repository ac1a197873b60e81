"""Workflow of the tt̄ lepton+jets analysis."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket import BaseProcessorABC, ObjectColumns, select_objects
from pocket.objects import (
    delta_r_table,
    distance_to_nearest,
    is_tagged,
    jet_selection,
    lepton_selection,
    merged_leptons,
    met,
    value_at,
)

TTBAR = "TTToSemiLeptonic"
CHARM, BOTTOM, TOP, W = 4, 5, 6, 24


class TopPairProcessor(BaseProcessorABC):
    """Workflow that selects one lepton of either flavour, jets away from it, and the b-tagged jets among them."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select leptons, jets and b-tagged jets, and the missing transverse momentum."""
        muons = lepton_selection(self.events, "Muon", self.params)
        electrons = lepton_selection(self.events, "Electron", self.params)
        self.events["MuonGood"], self.events["ElectronGood"] = muons, electrons
        self.events["LeptonGood"] = merged_leptons([muons, electrons])
        jets, _ = jet_selection(self.events, "Jet", self.params, self._year, "LeptonGood")
        tagged = is_tagged(
            jets, self.params.btagging.working_point[self._year], self.params.object_preselection.Jet.btag.wp
        )
        self.events["JetGood"] = ak.with_field(jets, tagged, "tagged")
        self.events["BJetGood"] = select_objects(jets, tagged)
        self.events["MET"] = met(self.events)

    def count_objects(self, variation: str) -> None:
        """Count the selected objects."""
        for name in ("MuonGood", "ElectronGood", "LeptonGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Add the summed pt of all jets."""
        self.events["HT"] = ak.sum(self.events.JetGood.pt, axis=1)

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Classify tt̄ by the flavour of the additional jets."""
        if self._sample == TTBAR:
            events, cuts = self.events, self.params.additional_jets
            self.define_when_used(
                "additional_flavour", lambda: additional_flavour(events.GenJet, events.GenPart, cuts), "int64"
            )


class JetTaggingProcessor(TopPairProcessor):
    """Workflow that adds the fields of jets for measurements of b tagging.

    ``passing`` is 1 for tagged jets and 0 for others, ``flavor`` the hadron flavour (−1 in data), and ``sv_mass`` the
    mass in GeV of the nearest secondary vertex, below the upper end of its histogram; −1 without a vertex.
    """

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Add the fields to the jets."""
        super().define_common_variables_before_presel(variation)
        jets, vertices = self.events.JetGood, self.params.secondary_vertices
        fields = {
            "passing": ak.values_astype(jets.tagged, "int64"),
            "flavor": jets.hadronFlavour if self._isMC else ak.full_like(jets.jetId, -1),
            "abseta": abs(jets.eta),
            "sv_mass": vertex_mass(jets, self.events.SV, vertices.match_dr, vertices.largest_mass),
        }
        for name, values in fields.items():
            jets = ak.with_field(jets, values, name)
        self.events["JetGood"] = jets


def vertex_mass(jets: ak.Array, vertices: ak.Array, max_dr: float, largest: float) -> ak.Array:
    """Return the mass of the secondary vertex that is closest to each jet.

    Args:
        jets: jagged records with eta and phi, shape (n events, n jets).
        vertices: NanoAOD's SV.
        max_dr: distance from which on a vertex doesn't belong to the jet.
        largest: upper limit, which replaces larger masses.

    Returns:
        Masses in GeV, shape (n events, n jets); −1 for jets without a vertex.
    """
    distances = delta_r_table(jets, vertices)
    mass = ak.fill_none(vertices.mass[ak.argmin(distances, axis=2)], 0)
    found = ak.fill_none(ak.min(distances, axis=2) < max_dr, False)
    return ak.where(found, ak.where(mass < largest, mass, largest), -1)


def additional_flavour(gen_jets: ak.Array, particles: ak.Array, cuts: Any) -> ak.Array:
    """Return the heaviest flavour of the generated jets that do not come from the decays of the tops.

    Args:
        gen_jets: NanoAOD's GenJet.
        particles: NanoAOD's GenPart.
        cuts: acceptance of the jets (``pt`` in GeV, ``eta``), and the largest distance between a jet and the quark of a
            top or W decay that it comes from (``match_dr``).

    Returns:
        One value per event: 5 if there is an additional b jet, else 4 if there is an additional c jet, else 0.
    """
    jets, record = ObjectColumns(gen_jets), ObjectColumns(particles)
    is_heavy = (jets["hadronFlavour"] >= CHARM) & (jets["pt"] > cuts.pt) & (abs(jets["eta"]) < cuts.eta)
    heavy = select_objects(jets.objects, jets.lists(is_heavy))
    code = abs(record["pdgId"])
    quarks = select_objects(record.objects, record.lists((code == CHARM) | (code == BOTTOM)))
    decayed = value_at(record.lists(code), quarks.genPartIdxMother, 0)
    quarks = select_objects(quarks, (decayed == TOP) | (decayed == W))
    additional = select_objects(heavy, distance_to_nearest(heavy, quarks) > cuts.match_dr)
    return ak.fill_none(ak.max(additional.hadronFlavour, axis=1), 0)
