"""Base of processors hand-written with current coffea: columns read on use, ``hist.fill`` for each template.

Masks, values and weights are computed once per chunk; each category and variation is one call of ``fill``.
"""

import awkward as ak
import correctionlib
import hist
import numpy as np
from branches import FLAGS
from coffea import processor
from coffea.analysis_tools import Weights
from coffea.nanoevents.methods import candidate


class Processor(processor.ProcessorABC):
    """Common parts of both analyses: skim, objects, and the histograms of categories and variations."""

    triggers = ()
    skimmed = ()
    varied = ""

    def __init__(self, request):
        self.parameters, self.axes = request["parameters"], request["axes"]
        self.corrections = {
            name: correctionlib.CorrectionSet.from_file(f"{request['corrections']}/{name}.json.gz")
            for name in ("puWeights", "muon_Z", "electron", "btagging")
        }

    def process(self, events):
        """Return the sum of weights, histograms and numbers of events of a chunk."""
        total = float(np.sum(np.asarray(events.genWeight), dtype=np.float64))
        name, number, pt = self.skimmed
        skim = (events.PV.npvsGood >= 1) & (ak.sum(events[name].pt >= pt, axis=1) >= number)
        for flag in FLAGS:
            skim = skim & events.Flag[flag]
        fired = events.HLT[self.triggers[0]]
        for trigger in self.triggers[1:]:
            fired = fired | events.HLT[trigger]
        events = events[skim & fired]
        samples, categories, weights, values = self.select(events)
        variations = {"nominal": weights.weight()}
        chosen = [variation for variation in weights.variations if variation.startswith(self.varied)]
        variations |= {variation: weights.weight(variation) for variation in chosen}
        counts, histograms = {}, {}
        for sample, of_sample in samples.items():
            masks = {category: mask & of_sample for category, mask in categories.items()}
            counts[sample] = {category: int(mask.sum()) for category, mask in masks.items()}
            histograms[sample] = {
                variable: self.fill(variable, values[variable], masks, variations) for variable in self.axes
            }
        return {"total": total, "counts": counts, "histograms": histograms}

    def fill(self, variable, values, masks, variations):
        """Return the histogram of a variable, of one value or a list of values per event."""
        axis = hist.axis.Regular(*self.axes[variable], name="value")
        categories = hist.axis.StrCategory(list(masks), name="cat")
        histogram = hist.Hist(
            categories, hist.axis.StrCategory(list(variations), name="variation"), axis, storage=hist.storage.Weight()
        )
        counts = ak.to_numpy(ak.num(values)) if values.ndim > 1 else None
        for category, mask in masks.items():
            chosen = values[mask]
            if counts is not None:
                chosen, repeats = ak.flatten(chosen), counts[mask]
            chosen = ak.to_numpy(chosen)
            for variation, weight in variations.items():
                own = weight[mask] if counts is None else np.repeat(weight[mask], repeats)
                histogram.fill(cat=category, variation=variation, value=chosen, weight=own)
        return histogram

    def muons(self, events):
        """Return the identified, isolated muons."""
        muons, cuts = events.Muon, self.parameters["object_preselection"]["Muon"]
        good = (muons.pt > cuts["pt"]) & (abs(muons.eta) < cuts["eta"]) & muons[cuts["id"]]
        return muons[good & (muons.pfRelIso04_all < cuts["iso"])]

    def jets(self, events, leptons):
        """Return the jets away from leptons."""
        jets, cuts = events.Jet, self.parameters["object_preselection"]["Jet"]
        good = (jets.pt > cuts["pt"]) & (abs(jets.eta) < cuts["eta"]) & (jets.jetId >= cuts["jetId"])
        lowest = self.parameters["jet_scale_factors"]["jet_puId"]["toys"]["working_point"][cuts["puId"]["wp"]]
        jets = jets[good & ((jets.puId >= lowest) | (jets.pt >= cuts["puId"]["maxpt"]))]
        return jets[ak.all(jets.metric_table(leptons) > cuts["dr_lepton"], axis=2)]

    def weights(self, events):
        """Return the weights of whole events."""
        weights = Weights(len(events))
        weights.add("genWeight", ak.to_numpy(events.genWeight))
        (name,) = self.corrections["puWeights"].keys()
        interactions = ak.to_numpy(events.Pileup.nTrueInt)
        pileup = self.corrections["puWeights"][name]
        weights.add("pileup", *(pileup.evaluate(interactions, kind) for kind in ("nominal", "up", "down")))
        return weights

    def postprocess(self, accumulator):
        """Return the accumulated output."""
        return accumulator


def flat(objects, field):
    """Return a field of all objects as a NumPy array."""
    return ak.to_numpy(ak.flatten(objects[field]))


def product(factors, counts):
    """Return the product over the objects of each event."""
    return ak.to_numpy(ak.prod(ak.unflatten(factors, counts), axis=1))


def kinematics(leptons):
    """Return only pt and direction, so that leptons of both flavours can be concatenated."""
    fields = {"pt": leptons.pt, "eta": leptons.eta, "phi": leptons.phi, "mass": ak.zeros_like(leptons.pt)}
    return ak.zip(fields, with_name="PtEtaPhiMLorentzVector", behavior=candidate.behavior)


def double_precision(objects):
    """Return the momenta in double precision, since masses are small differences of large numbers."""
    fields = {name: ak.values_astype(objects[name], np.float64) for name in ("pt", "eta", "phi", "mass")}
    return ak.zip({**fields, "charge": objects.charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)
