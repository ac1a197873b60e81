"""Public names of :mod:`pocket.cuts`, loaded when they are used."""

from .categories import (
    CartesianSelection as CartesianSelection,
)
from .categories import (
    MultiCut as MultiCut,
)
from .categories import (
    StandardSelection as StandardSelection,
)
from .certification import certified as certified
from .cut import Cut as Cut
from .jet_veto import get_JetVetoMap as get_JetVetoMap
from .library import (
    eventFlags as eventFlags,
)
from .library import (
    get_event_number as get_event_number,
)
from .library import (
    get_HLTsel as get_HLTsel,
)
from .library import (
    get_HLTsel_custom as get_HLTsel_custom,
)
from .library import (
    get_L1sel as get_L1sel,
)
from .library import (
    get_L1sel_custom as get_L1sel_custom,
)
from .library import (
    get_nBtagEq as get_nBtagEq,
)
from .library import (
    get_nBtagMin as get_nBtagMin,
)
from .library import (
    get_nElectron as get_nElectron,
)
from .library import (
    get_nMuon as get_nMuon,
)
from .library import (
    get_nObj_eq as get_nObj_eq,
)
from .library import (
    get_nObj_less as get_nObj_less,
)
from .library import (
    get_nObj_min as get_nObj_min,
)
from .library import (
    get_nPVgood as get_nPVgood,
)
from .library import (
    goldenJson as goldenJson,
)
from .library import (
    passthrough as passthrough,
)
