"""Names of ``pocket_coffea.lib.deltaR_matching``."""

import awkward as ak
import numpy as np

from pocket.objects.matching import delta_phi, metric_eta, metric_phi, metric_pt
from pocket.objects.object_matching import deltaR_matching_nonunique, object_matching
