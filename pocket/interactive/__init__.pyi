"""Public names of :mod:`pocket.interactive`, loaded when they are used."""

from .plotting import Drawing as Drawing
from .plotting import plot as plot
from .processing import coffea_processor as coffea_processor
from .processing import process as process
from .result import Result as Result
from .scale_factors import ScaleFactorFile as ScaleFactorFile
from .scale_factors import read_scale_factor as read_scale_factor
from .tables import Table as Table
from .tables import Yield as Yield
from .templates import Templates as Templates
from .templates import read_templates as read_templates
