"""PocketCoffea's keys of parameters that nothing here reads.

Those of all of its versions are accepted, so that parameter files of its analyses can be merged as they are. Code of an
analysis may read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.parameters.checking import any_of
from pocket.parameters.schema import YEAR

#: Section → keys with any contents, in the form of :data:`pocket.parameters.schema.SCHEMA`.
UPSTREAM: Mapping[str, Any] = {
    "btagging": {
        "variations": None,
        "working_point": {
            YEAR: any_of(
                "reference",
                "bbtagging_algorithm",
                "bbtagging_WP",
                *(f"bbtagSF_DDBvL_M1_{pt}{shift}" for pt in ("loPt", "hiPt") for shift in ("", "_up", "_down")),
            )
        },
    },
    "jet_scale_factors": any_of("jet_puId_WPs"),
    "systematic_variations": any_of("shape_variations"),
    "lepton_scale_factors": {
        "electron_sf": {
            **any_of("apply_eleSS", "apply_ele_scale_and_smearing", "reco"),
            "variations": None,
            "JSONfiles": {YEAR: any_of("file", "file_POG", "fileSS")},
        },
        "muon_sf": {
            **any_of("id_iso", "iso_mapping", "promptmva_jsons"),
            # The compiled program of the Rochester corrections isn't needed here.
            "rochester": any_of("so_path"),
        },
    },
    "jets_calibration": {
        **any_of("apply_jec_msoftdrop_Data", "apply_jec_msoftdrop_MC", "apply_jec_nominal", "apply_jer_msoftdrop_MC"),
        **any_of("apply_pt_regr_Data", "apply_pt_regr_MC"),
        **any_of("factory_file", "file", "jec_name_map", "jec_name_map_Data", "jec_name_map_MC", "jet_ak4", "jet_ak8"),
        **any_of("rescale_MET_config", "rescale_MET", "rescale_MET_branch"),
        "jet_types": {"*": {YEAR: any_of("sort_by_pt")}, **any_of("MC", "Data")},
    },
    "default_jets_calibration": any_of(
        "factory_configuration",
        "factory_configuration_Data",
        "factory_configuration_MC",
        "factory_files_dir",
        "jec_name_map",
        "jec_name_map_Data",
        "jec_name_map_MC",
    ),
    "plotting_style": any_of(
        "labels", "cms_label", "colors", "color", "plot_upper_label", "fontsize_legend_ratio", "opts_syst"
    ),
    **any_of("jets_calibration_clib"),
}
