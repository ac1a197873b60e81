"""Public names of Pocketlaw, loaded when they are used."""

from . import (
    calibrators as calibrators,
    columns as columns,
    corrections as corrections,
    cuts as cuts,
    errors as errors,
    executors as executors,
    histograms as histograms,
    interactive as interactive,
    io as io,
    models as models,
    objects as objects,
    parameters as parameters,
    scale_factors as scale_factors,
    weights as weights,
)
from .base.arrays.jagged import ObjectColumns as ObjectColumns, select_objects as select_objects
from .base.fingerprint import code_closure as code_closure
from .columns.config import ColOut as ColOut
from .configuration.analysis import Analysis as Analysis
from .configuration.loading import load_analysis as load_analysis
from .configuration.comparison import Comparison as Comparison, square_roots as square_roots
from .configuration.configurator import Configurator as Configurator
from .configuration.description import describe_config as describe_config
from .configuration.skim import Skim as Skim
from .plan.plot import TemplatePlot as TemplatePlot
from .plan.workflow import BaseProcessorABC as BaseProcessorABC
from .cuts.categories import (
    CartesianSelection as CartesianSelection,
    MultiCut as MultiCut,
    StandardSelection as StandardSelection,
)
from .cuts.cut import Cut as Cut
from .histograms.config import Axis as Axis, HistConf as HistConf
from .interactive.plotting import plot as plot
from .interactive.processing import coffea_processor as coffea_processor, process as process
from .interactive.result import Result as Result
from .interactive.scale_factors import read_scale_factor as read_scale_factor
from .interactive.templates import read_templates as read_templates
from .io.nanoaod.version import nano_version as nano_version
from .models.delayed_columns import DelayedColumn as DelayedColumn

__version__: str
