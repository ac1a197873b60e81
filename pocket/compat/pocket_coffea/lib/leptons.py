"""Names of ``pocket_coffea.lib.leptons``."""

import awkward as ak
import numpy as np

from pocket.compat.electron_energies import (
    get_ele_scaled,
    get_ele_scaled_etdependent,
    get_ele_smeared,
    get_ele_smeared_etdependent,
)
from pocket.compat.objects import load_correction_set
from pocket.compat.pairs import get_dilepton
from pocket.objects.jets import jets_in_original_order
from pocket.objects.leptons import lepton_selection
from pocket.objects.pairs import get_diboson
from pocket.objects.special_leptons import get_charged_leptons, lepton_selection_promptMVA, soft_lepton_selection
