"""Public names of :mod:`pocket.parameters`, loaded when they are used."""

from . import (
    defaults as defaults,
)
from .access import parameter as parameter
from .defaults import (
    dump_parameters as dump_parameters,
)
from .defaults import (
    get_default_parameters as get_default_parameters,
)
from .defaults import (
    merge_parameters as merge_parameters,
)
from .defaults import (
    merge_parameters_from_files as merge_parameters_from_files,
)
from .defaults import (
    to_plain as to_plain,
)
from .locations import (
    local_path as local_path,
)
from .locations import (
    project_path as project_path,
)
from .locations import (
    register_configuration_dir as register_configuration_dir,
)
