"""Public names of :mod:`pocket.statistics`, loaded when they are used."""

from .formulas import Formula as Formula
from .likelihood import Likelihood as Likelihood, Observations as Observations
from .model import (
    FreeParameter as FreeParameter,
    McStat as McStat,
    Model as Model,
    RegionModel as RegionModel,
    combine_models as combine_models,
)
from .model_files import load_model as load_model, save_model as save_model
