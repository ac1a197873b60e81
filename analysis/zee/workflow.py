"""Workflows of the Z→ee analysis."""

from __future__ import annotations

import awkward as ak

from pocket import BaseProcessorABC
from pocket.objects import (
    get_dilepton,
    in_ecal_transition,
    in_tag_and_probe_pairs,
    lepton_id,
    lepton_selection,
    supercluster_eta,
    tag_and_probe_pairs,
    trigger_match,
)

ELECTRON = 11
#: NanoAOD's genPartFlav of prompt electrons
PROMPT = 1


class ZeeProcessor(BaseProcessorABC):
    """Workflow for dielectron spectra with identified electrons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select electrons."""
        self.events["ElectronGood"] = lepton_selection(self.events, "Electron", self.params)

    def count_objects(self, variation: str) -> None:
        """Count the electrons."""
        self.events["nElectronGood"] = ak.num(self.events.ElectronGood)

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Combine the two leading electrons."""
        pair = get_dilepton(self.events.ElectronGood, None)
        for lepton in ("l1", "l2"):
            pair = ak.with_field(pair, abs(pair[f"{lepton}eta"]), f"abs_{lepton}eta")
        self.events["ll"] = pair


class TagAndProbeProcessor(BaseProcessorABC):
    """Workflow with pairs of a tag that fired the trigger and a probe of opposite charge.

    Probes are all reconstructed electrons in the acceptance, and pass if they are identified. ``ElectronGood`` are the
    electrons of all pairs, with the fields ``etaSC`` and ``passes``. In simulation, all of them are prompt, so that the
    templates have no background. ``Probe`` are all probes, whether or not there is a tag.
    """

    def apply_object_preselection(self, variation: str) -> None:
        """Build the pairs."""
        selection = self.params.object_preselection.Electron
        tag_and_probe = self.params.tag_and_probe
        electrons = self.events.Electron
        electrons = ak.with_field(electrons, supercluster_eta(electrons), "etaSC")
        passes = lepton_id(electrons, selection.id, "Electron")
        probe = (
            (electrons.pt > selection.pt) & (abs(electrons.eta) < selection.eta) & ~in_ecal_transition(electrons.etaSC)
        )
        if self._isMC:
            probe = probe & (electrons.genPartFlav == PROMPT)
        fired = trigger_match(electrons, self.events.TrigObj, ELECTRON, tag_and_probe.match_dr)
        tag = probe & passes & fired & (electrons.pt > tag_and_probe.tag_pt)
        in_pairs = in_tag_and_probe_pairs(electrons.charge, tag, probe)
        self.events["ElectronGood"] = ak.with_field(electrons, passes, "passes")[in_pairs]
        electrons = ak.with_field(electrons, ak.values_astype(passes, "int64"), "passing")
        self.events["TagProbe"] = tag_and_probe_pairs(
            electrons, tag, probe, ("pt", "etaSC", "passing"), ("pt",), "Electron"
        )
        self.events["Probe"] = electrons[probe]

    def count_objects(self, variation: str) -> None:
        """Count the pairs."""
        self.events["nTagProbe"] = ak.num(self.events.TagProbe)
