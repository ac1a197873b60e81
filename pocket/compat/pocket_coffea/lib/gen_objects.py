"""Names of ``pocket_coffea.lib.gen_objects``."""

import awkward as ak
import numpy as np

from pocket.compat.objects import getGenLeptons
from pocket.objects.gen_objects import getGenJets
