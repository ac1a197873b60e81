"""Names of ``pocket_coffea.lib.cut_functions``."""

from pocket.cuts.cut import Cut
from pocket.cuts.library import (
    apply_event_flags,
    apply_golden_json,
    eq_nObj,
    eventFlags,
    get_HLTsel,
    get_HLTsel_custom,
    get_L1sel,
    get_L1sel_custom,
    get_nBtagEq,
    get_nBtagMin,
    get_nElectron,
    get_nMuon,
    get_nObj_eq,
    get_nObj_less,
    get_nObj_min,
    get_nPVgood,
    goldenJson,
    less_nObj,
    min_nObj,
    nBtagEq,
    nBtagMin,
    passthrough_f,
)
