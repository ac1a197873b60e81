"""Names of ``pocket_coffea.lib.objects``."""

import awkward as ak
import numpy as np

from pocket.compat.electron_energies import (
    get_ele_scaled,
    get_ele_scaled_etdependent,
    get_ele_smeared,
    get_ele_smeared_etdependent,
)
from pocket.compat.objects import (
    compute_jetId,
    get_rho,
    getGenLeptons,
    jet_correction,
    load_correction_set,
    met_correction_after_jec,
    met_xy_correction,
)
from pocket.compat.objects import jet_correction as jet_correction_correctionlib
from pocket.compat.objects import jet_correction as jet_correction_corrlib
from pocket.compat.pairs import get_dijet, get_dilepton
from pocket.compat.utilities import get_nano_version, replace_at_indices
from pocket.objects.btag import CCsorted, CvsLsorted, ProbBsorted, btagging
from pocket.objects.gen_objects import getGenJets
from pocket.objects.jets import ORIGINAL_POSITION as JET_SORTIDX_FIELD
from pocket.objects.jets import jet_selection, jets_in_original_order
from pocket.objects.leptons import lepton_selection
from pocket.objects.pairs import get_diboson
from pocket.objects.special_leptons import get_charged_leptons, lepton_selection_promptMVA, soft_lepton_selection
