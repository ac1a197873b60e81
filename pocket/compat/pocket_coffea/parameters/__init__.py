"""Names of ``pocket_coffea.parameters``."""

from pocket.compat.parameters import (
    compose_parameters_from_files,
    dump_parameters,
    get_default_parameters,
    get_default_run_options,
    get_defaults_and_compose,
    merge_parameters,
    merge_parameters_from_files,
    merge_parameters_from_string,
    register_configuration_dir,
    setup_cvmfs_resolver,
)
