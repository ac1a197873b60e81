"""Hand-written tt̄ processors in three sizes."""

import awkward as ak
import numpy as np
from coffea.analysis_tools import PackedSelection
from coffea_base import Processor, flat, kinematics, product

CHARM, BOTTOM, TOP, W = 4, 5, 6, 24
TRANSITION = (1.4442, 1.5660)


class TopPair(Processor):
    """Processor of tt̄ with one lepton."""

    triggers = ("IsoMu24", "Ele32_WPTight_Gsf")
    skimmed = ("Jet", 4, 20.0)

    def select(self, events):
        """Return samples, categories, weights and values of the selected events."""
        cuts = self.parameters["semileptonic"]
        muons, electrons = self.muons(events), self.electrons(events)
        hard = ak.any(muons.pt > cuts["muon_pt"], axis=1) | ak.any(electrons.pt > cuts["electron_pt"], axis=1)
        lepton = hard & (ak.num(muons) + ak.num(electrons) == 1) & (events.MET.pt > cuts["met"])
        events, muons, electrons = events[lepton], muons[lepton], electrons[lepton]
        leptons = ak.concatenate([kinematics(muons), kinematics(electrons)], axis=1)
        jets = self.jets(events, leptons)
        tagged = self.tagged(jets)
        selected = (ak.num(jets) >= cuts["jets"]) & (ak.sum(tagged, axis=1) >= cuts["btags"])
        events, muons, electrons, leptons, jets, tagged = (
            array[selected] for array in (events, muons, electrons, leptons, jets, tagged)
        )
        n_jets, n_tagged = ak.num(jets), ak.sum(tagged, axis=1)
        values = {
            "nJetGood": n_jets,
            "nBJetGood": n_tagged,
            "JetGood_pt": jets.pt,
            "LeptonGood_pt_1": leptons.pt[:, 0],
            "MET_pt": events.MET.pt,
        }
        weights = self.weights(events)
        self.add_leptons(weights, muons, electrons)
        self.add_btag(weights, jets)
        return self.samples(events), self.categories(ak.to_numpy(n_jets), ak.to_numpy(n_tagged)), weights, values

    def samples(self, events):
        """Return tt̄ by the flavour of additional jets."""
        flavour = ak.to_numpy(self.additional_flavour(events))
        names = {"ttB": BOTTOM, "ttC": CHARM, "ttLF": 0}
        return {f"TTToSemiLeptonic__{name}": flavour == code for name, code in names.items()}

    def categories(self, n_jets, n_tagged):
        """Return the bins of numbers of jets and b-tagged jets."""
        selection = PackedSelection()
        selection.add_multiple(
            {"4j": n_jets == 4, "5j": n_jets == 5, "6j": n_jets == 6, "7j": n_jets >= 7}
            | {"1b": n_tagged == 1, "2b": n_tagged == 2, "3b": n_tagged >= 3, "tagged": n_tagged >= 2}
        )
        return {
            "inclusive": np.ones(len(n_jets), dtype=bool),
            "tagged": selection.all("tagged"),
            **{f"{j}_{b}": selection.all(j, b) for j in ("4j", "5j", "6j", "7j") for b in ("1b", "2b", "3b")},
        }

    def electrons(self, events):
        """Return the identified, isolated electrons outside of the transition region."""
        electrons, cuts = events.Electron, self.parameters["object_preselection"]["Electron"]
        supercluster = abs(electrons.eta + electrons.deltaEtaSC)
        good = (electrons.pt > cuts["pt"]) & (abs(electrons.eta) < cuts["eta"]) & electrons[cuts["id"]]
        outside = (supercluster < TRANSITION[0]) | (supercluster > TRANSITION[1])
        return electrons[good & (electrons.pfRelIso03_all < cuts["iso"]) & outside]

    def tagged(self, jets):
        """Return the mask of b-tagged jets."""
        point = self.parameters["btagging"]["working_point"]["toys"]
        return jets[point["btagging_algorithm"]] > point["btagging_WP"]["M"]

    def additional_flavour(self, events):
        """Return the heaviest flavour of the generated jets that don't come from a top decay."""
        cuts, jets, particles = self.parameters["additional_jets"], events.GenJet, events.GenPart
        jets = jets[(jets.hadronFlavour >= CHARM) & (jets.pt > cuts["pt"]) & (abs(jets.eta) < cuts["eta"])]
        code = abs(particles.pdgId)
        quarks = particles[(code == CHARM) | (code == BOTTOM)]
        parent = ak.fill_none(abs(quarks.parent.pdgId), 0)
        quarks = quarks[(parent == TOP) | (parent == W)]
        far = ak.all(jets.metric_table(quarks) > cuts["match_dr"], axis=2)
        return ak.fill_none(ak.max(jets.hadronFlavour[far], axis=1), 0)

    def add_leptons(self, weights, muons, electrons):
        """Add the scale factors of leptons."""
        pt, eta, counts = (
            flat(electrons, "pt"),
            flat(electrons, "eta") + flat(electrons, "deltaEtaSC"),
            ak.num(electrons),
        )
        table = self.corrections["electron"]["UL-Electron-ID-SF"]
        low = pt < 20

        def reco(kind):
            factors = np.ones(len(pt))
            factors[low] = table.evaluate("toys", kind, "RecoBelow20", eta[low], pt[low])
            factors[~low] = table.evaluate("toys", kind, "RecoAbove20", eta[~low], pt[~low])
            return product(factors, counts)

        # A flow without variations of these weights needn't compute them.
        number = 1 if self.varied else 3
        kinds = ("sf", "sfup", "sfdown")[:number]
        weights.add("sf_ele_reco", *map(reco, kinds))
        weights.add("sf_ele_id", *(product(table.evaluate("toys", kind, "wp80iso", eta, pt), counts) for kind in kinds))
        pt, eta, counts = flat(muons, "pt"), np.abs(flat(muons, "eta")), ak.num(muons)
        for what, name in self.parameters["lepton_scale_factors"]["muon_sf"]["sf_name"]["toys"].items():
            table = self.corrections["muon_Z"][name]
            factors = (
                product(table.evaluate(eta, pt, kind), counts) for kind in ("nominal", "systup", "systdown")[:number]
            )
            weights.add(f"sf_mu_{what}", *factors)

    def add_btag(self, weights, jets):
        """Add the reweighting of the b-tagging score; its variation changes all jets but c jets."""
        table = self.corrections["btagging"]["deepJet_shape"]
        inputs = [flat(jets, "hadronFlavour"), np.abs(flat(jets, "eta")), flat(jets, "pt")]
        inputs.append(flat(jets, self.parameters["btagging"]["working_point"]["toys"]["btagging_algorithm"]))
        others, counts = inputs[0] != CHARM, ak.num(jets)
        central = table.evaluate("central", *inputs)

        def varied(kind):
            factors = central.copy()
            factors[others] = table.evaluate(kind, *(values[others] for values in inputs))
            return product(factors, counts)

        sides = () if self.varied else ("up_lf", "down_lf")
        weights.add("sf_btag_lf", product(central, counts), *map(varied, sides))


class TopPairMedium(TopPair):
    """Processor with four categories."""

    def categories(self, n_jets, n_tagged):
        """Return the bins of numbers of b-tagged jets."""
        return {
            "inclusive": np.ones(len(n_jets), dtype=bool),
            "1b": n_tagged == 1,
            "2b": n_tagged == 2,
            "3b": n_tagged >= 3,
        }


class TopPairSmall(TopPair):
    """Processor with two categories, no subsamples, and one varied weight."""

    varied = "pileup"

    def samples(self, events):
        """Return all of tt̄."""
        return {"TTToSemiLeptonic": np.ones(len(events), dtype=bool)}

    def categories(self, n_jets, n_tagged):
        """Return all events and those with two b-tagged jets."""
        return {"inclusive": np.ones(len(n_jets), dtype=bool), "tagged": n_tagged >= 2}
