"""Parts that all PocketCoffea configurations share: parameters, datasets, selections of the toys.

It runs in PocketCoffea's environment, and depends only on a request, not on the project.
"""

import json
from pathlib import Path

from omegaconf import OmegaConf
from pocket_coffea.lib.cut_functions import eventFlags, get_HLTsel, get_nObj_min, get_nPVgood, goldenJson
from pocket_coffea.parameters import defaults

# PocketCoffea applies the pileup identification of jets only in years that it knows by name. The toys imitate 2018.
TOYS, YEAR = "toys", "2018"

#: section of parameters by year → its name in PocketCoffea
BY_YEAR = {
    "pileup": "pileupJSONfiles",
    **{
        section: section
        for section in (
            "lumi.picobarns",
            "lumi.goldenJSON",
            "HLT_triggers",
            "event_flags",
            "btagging.working_point",
            "jet_scale_factors.jet_puId",
            "jet_scale_factors.btagSF",
            "lepton_scale_factors.electron_sf.JSONfiles",
            "lepton_scale_factors.muon_sf.JSONfiles",
            "lepton_scale_factors.muon_sf.sf_name",
            "systematic_variations.weight_variations.sf_btag",
        )
    },
}


def without_cvmfs(group_tags=None):
    """Replace the resolver of /cvmfs paths, which fails where /cvmfs isn't mounted; none of the paths is read."""
    OmegaConf.register_new_resolver("cvmfs", lambda *parts: "/".join(map(str, parts)), replace=True)


defaults.setup_cvmfs_resolver = without_cvmfs


def parameters(request, *sections):
    """Return PocketCoffea's parameters, with the toys' parameters for 2018, and further sections of ours."""
    given = OmegaConf.create(request["parameters"])
    composed = defaults.get_default_parameters()
    for ours, theirs in BY_YEAR.items():
        value = OmegaConf.select(given, f"{ours}.{TOYS}")
        if value is not None:
            OmegaConf.update(composed, f"{theirs}.{YEAR}", value, merge=False, force_add=True)
    OmegaConf.update(composed, f"event_flags_data.{YEAR}", [], merge=False)
    # The electrons' scale factors of the toys have this name for the year.
    era = {"reco": TOYS, "id": TOYS}
    OmegaConf.update(composed, f"lepton_scale_factors.electron_sf.era_mapping.{YEAR}", era, merge=False)
    for section in ("object_preselection", *sections):
        OmegaConf.update(composed, section, given[section], merge=False, force_add=True)
    return composed


def datasets(request, **options):
    """Write the fileset in PocketCoffea's form, and return the entry ``datasets`` of a configuration."""
    fileset = {}
    for name, content in request["fileset"].items():
        metadata = {key: str(value) for key, value in content["metadata"].items()}
        metadata["year"] = YEAR
        if metadata["isMC"] == "False":
            metadata.setdefault("era", "A")
        fileset[name] = {"metadata": metadata, "files": list(content["files"])}
    path = Path(request["output"]) / "fileset.json"
    path.write_text(json.dumps(fileset, indent=1))
    return {"jsons": [str(path)], **options}


def toy_skim(primary_datasets, jets_or_leptons):
    """Return the skim: vertex, event flags, certified data, triggers, and a number of objects."""
    number, pt, collection = jets_or_leptons
    return [
        get_nPVgood(1),
        eventFlags,
        goldenJson,
        get_HLTsel(primaryDatasets=primary_datasets),
        get_nObj_min(number, pt, collection),
    ]
