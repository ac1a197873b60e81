"""Public names of :mod:`pocket.cuts`, loaded when they are used."""

from .categories import (
    CartesianSelection as CartesianSelection,
    MultiCut as MultiCut,
    StandardSelection as StandardSelection,
)
from .certification import certified as certified
from .cut import Cut as Cut
from .hem import get_HEM_veto as get_HEM_veto
from .jet_veto import get_JetVetoMap as get_JetVetoMap
from .library import (
    eventFlags as eventFlags,
    get_event_number as get_event_number,
    get_HLTsel as get_HLTsel,
    get_HLTsel_custom as get_HLTsel_custom,
    get_L1sel as get_L1sel,
    get_L1sel_custom as get_L1sel_custom,
    get_nBtagEq as get_nBtagEq,
    get_nBtagMin as get_nBtagMin,
    get_nElectron as get_nElectron,
    get_nMuon as get_nMuon,
    get_nObj_eq as get_nObj_eq,
    get_nObj_less as get_nObj_less,
    get_nObj_min as get_nObj_min,
    get_nPVgood as get_nPVgood,
    goldenJson as goldenJson,
    passthrough as passthrough,
)
from .photon_overlap import get_photon_overlap as get_photon_overlap
