"""Names of ``pocket_coffea.lib.weights.weights``."""

import awkward as ak
import numpy as np

from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.weights.base import WeightData, WeightDataMultiVariation
