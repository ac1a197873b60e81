"""Names of ``pocket_coffea.lib.jets``."""

import awkward as ak
import numpy as np

from pocket.compat.objects import (
    compute_jetId,
    get_rho,
    jet_correction,
    load_correction_set,
    met_correction_after_jec,
    met_xy_correction,
)
from pocket.compat.objects import jet_correction as jet_correction_correctionlib
from pocket.compat.objects import jet_correction as jet_correction_corrlib
from pocket.compat.pairs import get_dijet
from pocket.compat.utilities import get_nano_version, replace_at_indices
from pocket.objects.btag import CCsorted, CvsLsorted, ProbBsorted, btagging
from pocket.objects.jets import ORIGINAL_POSITION as JET_SORTIDX_FIELD
from pocket.objects.jets import jet_selection, jets_in_original_order
