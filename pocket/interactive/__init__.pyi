"""Public names of :mod:`pocket.interactive`, loaded when they are used."""

from .plotting import Drawing as Drawing, plot as plot
from .processing import coffea_processor as coffea_processor, process as process
from .result import Result as Result
from .scale_factors import ScaleFactorFile as ScaleFactorFile, read_scale_factor as read_scale_factor
from .tables import Table as Table, Yield as Yield
from .templates import Templates as Templates, read_templates as read_templates
