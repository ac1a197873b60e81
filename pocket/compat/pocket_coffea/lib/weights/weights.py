"""Names of ``pocket_coffea.lib.weights.weights``."""

import awkward as ak
import numpy as np

from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper
