"""Further keys of parameters: those of single calibrators and selections, and those of another framework.

They aren't in :mod:`pocket.parameters.schema`, because every fingerprint holds that module.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pocket.base.dialects import dialect
from pocket.parameters.schema import NUMBER, SCHEMA, SWITCH, TEXT, YEAR


def any_of(*keys: str) -> dict[str, None]:
    """Return keys with any contents, in the form of :data:`pocket.parameters.schema.SCHEMA`."""
    return dict.fromkeys(keys)


#: Keys of single calibrators and selections, and shipped ones that only code of an analysis reads, in the form of
#: :data:`pocket.parameters.schema.SCHEMA`.
FURTHER: Mapping[str, Any] = {
    "jets_calibration": {
        "jet_types": {
            "*": {
                YEAR: any_of("json_path_uncertainties", "jec_uncertainties", "json_path_resolution", "jer_matched_only")
            }
        },
        "smearing": {"file": TEXT, "name": TEXT},
        **any_of("collection_name_alias", "merge_collections_for_variations"),
    },
    "default_jets_calibration": {"smearing": any_of("JERSmear"), **any_of("factory_config_clib")},
    "jet_scale_factors": any_of("vetomaps", "jet_id"),
    "lepton_scale_factors": {leptons: any_of("promptMVA_jsons") for leptons in ("electron_sf", "muon_sf")},
    "met_xy_calibration": {YEAR: {"collection": TEXT, **any_of("file", "algorithm", "epoch")}},
    "softdrop_mass": {YEAR: any_of("collection", "subjets", "relative_resolution", "scale", "resolution")},
    "HEM": {"collection": TEXT, "fraction": NUMBER},
    "object_preselection": {name: {"jetId_file": SWITCH, "vetoMap": TEXT} for name in ("Jet", "FatJet")},
    **any_of("MET_xy", "default_nano_version"),
}


@functools.cache
def accepted() -> Mapping[str, Any]:
    """Return all keys that are known, here or in another framework (:mod:`pocket.base.dialects`)."""
    known: Mapping[str, Any] = _joined(_joined(SCHEMA, FURTHER), dialect().parameter_keys)
    return known


def _joined(schema: Any, more: Any) -> Any:
    if isinstance(schema, tuple):
        kind, table = schema
        return kind, _joined(table, more)
    if not (isinstance(schema, Mapping) and isinstance(more, Mapping)):
        return schema if schema is not None else more
    return {**schema, **{key: _joined(schema.get(key), value) for key, value in more.items()}}
