"""Names of ``pocket_coffea.lib.muon_scale_and_resolution``."""

import math
import warnings

import awkward as ak
import numpy as np
from scipy.special import erf, erfinv

from pocket.compat.muon_scale_resolution import (
    CrystallBall,
    filter_boundaries,
    get_k,
    get_rndm,
    get_std,
    pt_resol,
    pt_resol_var,
    pt_scale,
    pt_scale_var,
)
