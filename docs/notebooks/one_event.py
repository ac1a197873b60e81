# %% [markdown]
# # One event's way through the cuts
#
# Why is an event selected, or why not? Cuts are functions of events, and a workflow is a class: both can be called one
# by one.
#
# `nano_dy.root` is a small file of CMS in coffea's source distribution. [In a notebook or a
# script](../how-to/interactive.md) says how to get it into the working folder; other NanoAOD will do as well.

# %%
import awkward as ak
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

from pocket import load_analysis
from pocket.interactive import Table

NanoAODSchema.warn_missing_crossrefs = False
config = load_analysis("zmumu").config("real_samples")
dataset = "DYJetsToLL_2018"
metadata = config.definitions[dataset].metadata()
events = NanoEventsFactory.from_root({"nano_dy.root": "Events"}, schemaclass=NanoAODSchema, mode="virtual").events()

# %% [markdown]
# Each cut gives one boolean per event:


# %%
def mask_of(cut, events):
    known = {key: metadata[key] for key in ("year", "sample", "isMC")}
    return cut.get_mask(events, config.parameters, **known, metadata=metadata)


skim = {cut.name: mask_of(cut, events) for cut in config.skim}
Table("Skim", "Cut", {name: {"events that pass": int(mask.sum())} for name, mask in skim.items()})

# %% [markdown]
# The cuts after the skim need objects, which the workflow selects. It takes over the events of a chunk, as in the
# engine, and adds its collections.

# %%
workflow = config.workflow(config)
workflow.start_chunk(events, {"dataset": dataset, **metadata})
workflow.process_extra_after_skim()
workflow.apply_object_preselection("nominal")
workflow.count_objects("nominal")
workflow.define_common_variables_before_presel("nominal")
preselection = {cut.name: mask_of(cut, workflow.events) for cut in config.preselections}

# %% [markdown]
# One event, through all of them:

# %%
number = int(ak.argmax(workflow.events.nMuonGood))
steps = {**skim, **preselection}
Table(
    f"Event {events.event[number]} of run {events.run[number]}",
    "Cut",
    {name: {"passes": "yes" if mask[number] else "no"} for name, mask in steps.items()},
)

# %% [markdown]
# And what the cuts looked at:

# %%
muons = workflow.events.MuonGood[number]
Table(
    "Muons",
    "Muon",
    {
        str(i): {"pt": float(muon.pt), "eta": float(muon.eta), "charge": int(muon.charge)}
        for i, muon in enumerate(muons)
    },
)
