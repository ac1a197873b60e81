"""What the four configurations share: parameters, datasets and skim."""

import os

from pocket_coffea.lib.cut_functions import eventFlags, get_HLTsel, get_nPVgood, goldenJson
from pocket_coffea.parameters import defaults

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120

default_parameters = defaults.get_default_parameters()
defaults.register_configuration_dir("config_dir", localdir + "/params")

parameters = defaults.merge_parameters_from_files(
    default_parameters,
    f"{localdir}/params/object_preselection.yaml",
    f"{localdir}/params/triggers.yaml",
    f"{localdir}/params/weights.yaml",
    update=True,
)

datasets = {
    "jsons": ["datasets/datasets.json"],
    "filter": {"samples": ["TTToSemiLeptonic"], "samples_exclude": [], "year": ["2018"]},
}

skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(primaryDatasets=["SingleMuon", "SingleEle"])]
