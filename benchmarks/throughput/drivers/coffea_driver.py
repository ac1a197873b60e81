"""Hand-written processors with coffea's own runner."""

import numpy as np
from coffea.nanoevents import NanoAODSchema
from coffea_runner import runner
from coffea_ttbar import TopPair, TopPairMedium, TopPairSmall
from coffea_zmumu import Zmumu
from serving import serve
from templates import of_histogram, write_templates

PROCESSORS = {"zmumu": Zmumu, "ttbar_small": TopPairSmall, "ttbar_medium": TopPairMedium, "ttbar_large": TopPair}


def prepare(request):
    """Return the pass over the files, and the writing of its templates."""
    NanoAODSchema.warn_missing_crossrefs = False
    ((dataset, content),) = request["fileset"].items()
    metadata = content["metadata"]
    instance = PROCESSORS[request["config"]](request)
    run = runner(request["chunk_size"])
    files = {dataset: {"files": dict.fromkeys(content["files"], "Events"), "metadata": metadata}}
    chunks = list(run.preprocess(files, treename="Events"))
    last = {}

    def make_pass():
        last.clear()
        last["output"] = run.run(chunks, processor_instance=instance)["out"]

    def write():
        output = last["output"]
        factor = metadata["xsec"] * request["parameters"]["lumi"]["picobarns"]["toys"]["tot"] / output["total"]
        found = {}
        for sample, histograms in output["histograms"].items():
            for variable, histogram in histograms.items():
                of_histogram(found, variable, sample, factor * histogram)
            for category, number in output["counts"][sample].items():
                found[f"entries/{sample}/{category}"] = np.array([number])
        write_templates(request["output"], found)

    runner(request["warm_up"], maxchunks=1).run(files, processor_instance=instance, treename="Events")
    return make_pass, write


if __name__ == "__main__":
    serve(prepare)
