"""Names of ``pocket_coffea.lib.weights``."""

from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper
