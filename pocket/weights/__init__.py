"""Event weights: their definitions, and their assignment to samples and categories."""

from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper
from pocket.weights.event import common_weights

__all__ = ["WeightData", "WeightDataMultiVariation", "WeightLambda", "WeightWrapper", "common_weights"]
