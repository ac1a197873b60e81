"""Names of ``pocket_coffea.lib.weights``."""

from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.weights.base import WeightData, WeightDataMultiVariation
