"""Public names of :mod:`pocket.statistics`, loaded when they are used."""

from .building import Built as Built, build_model as build_model, write_treatment as write_treatment
from .checks import Finding as Finding, find_mistakes as find_mistakes
from .declarations import (
    Drop as Drop,
    Free as Free,
    LogNormal as LogNormal,
    Process as Process,
    Prune as Prune,
    Region as Region,
    StatisticalModel as StatisticalModel,
    Stored as Stored,
)
from .declared_grids import Grid as Grid
from .cards import (
    read_datacard as read_datacard,
    read_datacards as read_datacards,
    write_datacards as write_datacards,
)
from .combined import CombinedModel as CombinedModel
from .fits import Fit as Fit, fit as fit
from .formulas import Formula as Formula
from .goodness import goodness_of_fit as goodness_of_fit
from .impacts import break_down as break_down, rank_impacts as rank_impacts, rank_simulation as rank_simulation
from .intervals import find_interval as find_interval, scan as scan
from .likelihood import Likelihood as Likelihood, Observations as Observations
from .limits import find_significance as find_significance, find_upper_limit as find_upper_limit
from .model import (
    FreeParameter as FreeParameter,
    McStat as McStat,
    Model as Model,
    RegionModel as RegionModel,
    combine_models as combine_models,
)
from .model_files import load_model as load_model, save_model as save_model
from .names import CMS_NAMES as CMS_NAMES
from .regions import MergedTemplates as MergedTemplates, RegionTemplates as RegionTemplates
from .prediction_files import load_predictions as load_predictions, save_predictions as save_predictions
from .predictions import Prediction as Prediction, predict as predict
from .pyhf_workspace import pyhf_differences as pyhf_differences, pyhf_workspace as pyhf_workspace
from .results import from_json as from_json, to_json as to_json
from .toys import asimov as asimov, toy as toy, toys as toys
