"""Further keys of parameters: those of single calibrators and selections, and PocketCoffea's that nothing here reads.

The former aren't in :mod:`pocket.parameters.schema`, because every fingerprint holds that module. The latter, of all
versions of PocketCoffea, are accepted, so that parameter files of its analyses can be merged as they are. Code of an
analysis may read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.parameters.schema import NUMBER, SCHEMA, SWITCH, TEXT, YEAR


def _any(*keys: str) -> dict[str, None]:
    return dict.fromkeys(keys)


#: Keys of single calibrators and selections, in the form of :data:`pocket.parameters.schema.SCHEMA`.
FURTHER: Mapping[str, Any] = {
    "jets_calibration": {
        "jet_types": {
            "*": {
                YEAR: _any("json_path_uncertainties", "jec_uncertainties", "json_path_resolution", "jer_matched_only")
            }
        },
        "smearing": {"file": TEXT, "name": TEXT},
    },
    "default_jets_calibration": {"smearing": _any("JERSmear")},
    "met_xy_calibration": {YEAR: {"collection": TEXT, **_any("file", "algorithm", "epoch")}},
    "softdrop_mass": {YEAR: _any("collection", "subjets", "relative_resolution", "scale", "resolution")},
    "HEM": {"collection": TEXT, "fraction": NUMBER},
    "object_preselection": {name: {"jetId_file": SWITCH, "vetoMap": TEXT} for name in ("Jet", "FatJet")},
}

#: Section → keys with any contents, in the form of :data:`pocket.parameters.schema.SCHEMA`.
UPSTREAM: Mapping[str, Any] = {
    "btagging": {
        "variations": None,
        "working_point": {
            YEAR: _any(
                "reference",
                "bbtagging_algorithm",
                "bbtagging_WP",
                *(f"bbtagSF_DDBvL_M1_{pt}{shift}" for pt in ("loPt", "hiPt") for shift in ("", "_up", "_down")),
            )
        },
    },
    "jet_scale_factors": {
        **_any("vetomaps", "jet_id", "jet_puId_WPs"),
    },
    "systematic_variations": _any("shape_variations"),
    "lepton_scale_factors": {
        "electron_sf": {
            **_any("apply_eleSS", "apply_ele_scale_and_smearing", "promptMVA_jsons", "reco"),
            "variations": None,
            "JSONfiles": {YEAR: _any("file", "file_POG", "fileSS")},
        },
        "muon_sf": {
            **_any("id_iso", "iso_mapping", "promptMVA_jsons", "promptmva_jsons"),
            # The compiled program of the Rochester corrections isn't needed here.
            "rochester": _any("so_path"),
        },
    },
    "jets_calibration": {
        **_any("apply_jec_msoftdrop_Data", "apply_jec_msoftdrop_MC", "apply_jec_nominal", "apply_jer_msoftdrop_MC"),
        **_any("apply_pt_regr_Data", "apply_pt_regr_MC", "collection_name_alias", "merge_collections_for_variations"),
        **_any("factory_file", "file", "jec_name_map", "jec_name_map_Data", "jec_name_map_MC", "jet_ak4", "jet_ak8"),
        **_any("rescale_MET_config", "rescale_MET", "rescale_MET_branch"),
        "jet_types": {"*": {YEAR: _any("sort_by_pt")}, **_any("MC", "Data")},
    },
    "default_jets_calibration": _any(
        "factory_config_clib",
        "factory_configuration",
        "factory_configuration_Data",
        "factory_configuration_MC",
        "factory_files_dir",
        "jec_name_map",
        "jec_name_map_Data",
        "jec_name_map_MC",
    ),
    "plotting_style": _any(
        "labels", "cms_label", "colors", "color", "plot_upper_label", "fontsize_legend_ratio", "opts_syst"
    ),
    **_any("MET_xy", "default_nano_version", "jets_calibration_clib"),
}


def _joined(schema: Any, more: Any) -> Any:
    if isinstance(schema, tuple):
        kind, table = schema
        return kind, _joined(table, more)
    if not (isinstance(schema, Mapping) and isinstance(more, Mapping)):
        return schema if schema is not None else more
    return {**schema, **{key: _joined(schema.get(key), value) for key, value in more.items()}}


#: All keys that are known, here or in PocketCoffea.
ACCEPTED: Mapping[str, Any] = _joined(_joined(SCHEMA, FURTHER), UPSTREAM)
