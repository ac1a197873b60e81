"""Names of ``pocket_coffea.lib.weights.weights``."""

from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper
