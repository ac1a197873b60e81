"""Workflows of the Z→μμ analysis."""

from __future__ import annotations

import awkward as ak

from pocket import BaseProcessorABC
from pocket.objects import (
    get_dilepton,
    in_tag_and_probe_pairs,
    jet_selection,
    lepton_selection,
    tag_and_probe_pairs,
    trigger_match,
)

MUON = 13
#: NanoAOD's genPartFlav of prompt muons
PROMPT = 1


class ZmumuProcessor(BaseProcessorABC):
    """Workflow for dimuon spectra with identified, isolated muons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select muons."""
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)

    def count_objects(self, variation: str) -> None:
        """Count the muons."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Combine the two leading muons."""
        self.events["ll"] = get_dilepton(None, self.events.MuonGood)

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Select jets away from the muons, which the preselection doesn't need."""
        self.events["JetGood"], _ = jet_selection(self.events, "Jet", self.params, self._year, "MuonGood")
        self.events["nJetGood"] = ak.num(self.events.JetGood)


class TagAndProbeProcessor(BaseProcessorABC):
    """Workflow with pairs of a tag that fired the trigger and a probe of opposite charge.

    With ``workflow_options["measure"]`` equal to ``"id"``, probes are isolated muons and pass if they are identified;
    with ``"trigger"``, they are also identified and pass if they match a trigger object. ``MuonGood`` are the muons of
    all pairs, with the field ``passes``. With ``"trigger"``, each of them is identified, and there are jets away from
    them. In simulation, ``Probe`` are all prompt muons that could be probes, whether or not there is a tag.
    """

    def apply_object_preselection(self, variation: str) -> None:
        """Build the pairs."""
        selection = self.params.object_preselection.Muon
        tag_and_probe = self.params.tag_and_probe
        muons = self.events.Muon
        isolated = (
            (muons.pt > selection.pt)
            & (abs(muons.eta) < selection.eta)
            & muons.looseId
            & (muons.pfRelIso04_all < selection.iso)
        )
        identified = isolated & muons[selection.id]
        fired = trigger_match(muons, self.events.TrigObj, MUON, tag_and_probe.match_dr)
        tag = identified & fired & (muons.pt > tag_and_probe.tag_pt)
        if self.workflow_options["measure"] == "id":
            probe, passing = isolated, muons[selection.id]
        else:
            probe, passing = identified, fired
        self.events["MuonGood"] = ak.with_field(muons, passing, "passes")[
            in_tag_and_probe_pairs(muons.charge, tag, probe)
        ]
        if self.workflow_options["measure"] == "trigger":
            self.events["JetGood"], _ = jet_selection(self.events, "Jet", self.params, self._year, "MuonGood")
        muons = ak.with_field(muons, abs(muons.eta), "abseta")
        muons = ak.with_field(muons, ak.values_astype(passing, "int64"), "passing")
        self.events["TagProbe"] = tag_and_probe_pairs(muons, tag, probe, ("pt", "abseta", "passing"), ("pt",))
        if self._isMC:
            self.events["Probe"] = muons[probe & (muons.genPartFlav == PROMPT)]

    def count_objects(self, variation: str) -> None:
        """Count the pairs."""
        self.events["nTagProbe"] = ak.num(self.events.TagProbe)
