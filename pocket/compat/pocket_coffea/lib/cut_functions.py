"""Names of ``pocket_coffea.lib.cut_functions``."""

import awkward as ak
import numpy as np

from pocket.compat.cuts import (
    count_objects_eq,
    count_objects_gt,
    count_objects_lt,
    eq_nObj_minPt,
    get_nBtag,
    min_nObj_minPt,
    nElectron,
    nMuon,
)
from pocket.compat.objects import load_correction_set
from pocket.compat.triggers import (
    apply_trigger_mask,
    get_HLTsel,
    get_HLTsel_custom,
    get_L1sel,
    get_L1sel_custom,
    get_trigger_mask_byprimarydataset,
    remove_trigger_prefix,
)
from pocket.cuts.cut import Cut
from pocket.cuts.jet_veto import get_JetVetoMap, get_JetVetoMap_Mask
from pocket.cuts.library import (
    apply_event_flags,
    apply_golden_json,
    eq_nObj,
    eventFlags,
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
