"""Public names of :mod:`pocket.histograms`, loaded when they are used."""

from .config import (
    Axis as Axis,
)
from .config import (
    HistConf as HistConf,
)
from .factories import (
    count_hist as count_hist,
)
from .factories import (
    ele_hists as ele_hists,
)
from .factories import (
    fatjet_hists as fatjet_hists,
)
from .factories import (
    fatjet_taggers_hists as fatjet_taggers_hists,
)
from .factories import (
    genjet_hists as genjet_hists,
)
from .factories import (
    jet_hists as jet_hists,
)
from .factories import (
    jet_taggers_hists as jet_taggers_hists,
)
from .factories import (
    lepton_hists as lepton_hists,
)
from .factories import (
    met_hists as met_hists,
)
from .factories import (
    muon_hists as muon_hists,
)
from .factories import (
    parton_hists as parton_hists,
)
from .factories import (
    sv_hists as sv_hists,
)
