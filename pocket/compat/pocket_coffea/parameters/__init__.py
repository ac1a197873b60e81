"""Names of ``pocket_coffea.parameters``."""

from pocket.parameters.defaults import (
    dump_parameters,
    get_default_parameters,
    merge_parameters,
    merge_parameters_from_files,
)
from pocket.parameters.locations import register_configuration_dir
