"""Event weights: how they are defined, and which of them a configuration applies where."""

from pocket.weights.common import common_weights
from pocket.weights.wrapper import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper

__all__ = ["WeightData", "WeightDataMultiVariation", "WeightLambda", "WeightWrapper", "common_weights"]
