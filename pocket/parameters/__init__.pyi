"""Public names of :mod:`pocket.parameters`, loaded when they are used."""

from . import defaults as defaults
from .access import parameter as parameter
from .defaults import (
    dump_parameters as dump_parameters,
    get_default_parameters as get_default_parameters,
    merge_parameters as merge_parameters,
    merge_parameters_from_files as merge_parameters_from_files,
)
from .locations import (
    local_path as local_path,
    project_path as project_path,
    register_configuration_dir as register_configuration_dir,
)
from .plain import to_plain as to_plain
