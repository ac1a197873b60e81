"""PocketCoffea with the configurations of the comparison of physics, run in PocketCoffea's environment."""

import importlib
import warnings

from coffea.nanoevents import NanoAODSchema
from coffea_runner import runner
from serving import serve
from templates import from_output, write_templates

warnings.filterwarnings("ignore")

CONFIGS = {
    "zmumu": "zmumu:nominal",
    "ttbar_small": "ttbar:small",
    "ttbar_medium": "ttbar:medium",
    "ttbar_large": "ttbar:large",
}


def prepare(request):
    """Return the pass over the files, and the writing of its templates."""
    NanoAODSchema.warn_missing_crossrefs = False
    module, _, function = CONFIGS[request["config"]].partition(":")
    # The configurations write the fileset into their output folder.
    config = getattr(importlib.import_module(module), function)({**request, "output": request["folder"]})
    config.load()
    instance = config.processor_instance
    run = runner(request["chunk_size"])
    # All engines know the numbers of entries in advance.
    chunks = list(run.preprocess(config.filesets, "Events"))
    last = {}

    def make_pass():
        last.clear()
        last["output"] = run.run(chunks, processor_instance=instance)["out"]

    def write():
        write_templates(request["output"], from_output(last["output"]))

    runner(request["warm_up"], maxchunks=1).run(config.filesets, treename="Events", processor_instance=instance)
    return make_pass, write


if __name__ == "__main__":
    serve(prepare)
