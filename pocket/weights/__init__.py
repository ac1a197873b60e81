"""Event weights: how they are defined, and which of them a configuration applies where."""

from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper
from pocket.weights.event import common_weights

__all__ = ["WeightData", "WeightDataMultiVariation", "WeightLambda", "WeightWrapper", "common_weights"]
