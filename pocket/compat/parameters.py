"""PocketCoffea's functions for parameters, with its signatures and defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from pocket.compat.parameter_forms import cvmfs_path, set_tags
from pocket.errors import ConfigError
from pocket.parameters import defaults, locations
from pocket.parameters.plain import plain_section
from pocket.parameters.shipped import shipped_root

__all__ = [
    "compose_parameters_from_files",
    "dump_parameters",
    "get_default_parameters",
    "get_default_run_options",
    "get_defaults_and_compose",
    "merge_parameters",
    "merge_parameters_from_files",
    "merge_parameters_from_string",
    "register_configuration_dir",
    "setup_cvmfs_resolver",
]

#: PocketCoffea's own values.
_VALUES = Path(__file__).with_name("defaults.yaml")
#: Sections that PocketCoffea resolves before other parameters are merged into them.
_RESOLVED = ("default_jets_calibration", "jets_calibration")
#: Sections that PocketCoffea leaves to each analysis. Shipped keys would be further cuts and triggers.
_SELECTIONS = ("HLT_triggers", "object_preselection")
#: Names of folders in ``${name:…}`` → path of the folder.
_folders: dict[str, str] = {}
#: Options of a run that don't belong to an executor.
_GENERAL: Mapping[str, Any] = {
    "scaleout": 1,
    "chunksize": 150000,
    "limit-files": None,
    "limit-chunks": None,
    "retries": 10,
    "tree-reduction": 20,
    "skip-bad-files": False,
    "voms-proxy": None,
    "ignore-grid-certificate": False,
    "group-samples": None,
    "starting-time": None,
}


def register_configuration_dir(key: str, directory: str | Path) -> None:
    """Register a directory, so that YAML files can name files in it as ``${key:}/file`` or ``${key:file}``.

    The parameters get the path of the file, when a YAML file is merged. With
    :func:`pocket.parameters.locations.register_configuration_dir` they keep the name.
    """
    # The name is also known as one of our own, so that either function may register it again.
    locations.register_configuration_dir(key, directory)
    _folders[key] = str(directory)
    OmegaConf.register_resolver(key, lambda relative="": f"{directory}/{relative}".rstrip("/"), replace=True)


def setup_cvmfs_resolver(group_tags: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Set the tags of corrections named without one, ``${cvmfs:period,group,file}``; by default the latest."""
    set_tags(group_tags or {})


def get_default_parameters(group_tags: Mapping[str, Mapping[str, str]] | None = None) -> DictConfig:
    """Return the shipped parameters with PocketCoffea's values where they differ, and with keys that only it has.

    Like PocketCoffea's they have no triggers and no selections of objects. As there, what ``jets_calibration`` takes
    from ``default_jets_calibration`` are the shipped values, also if the latter is changed afterwards.
    """
    setup_cvmfs_resolver(group_tags)
    register_configuration_dir("default_params_dir", shipped_root() / "params")
    parameters = defaults.get_default_parameters(_VALUES)
    for section in _RESOLVED:
        parameters[section] = plain_section(parameters, section)
    for section in _SELECTIONS:
        del parameters[section]
    return parameters


def get_defaults_and_compose(*files: str | Path) -> DictConfig:
    """Return the shipped parameters with YAML files merged into them."""
    return merge_parameters_from_files(get_default_parameters(), *files)


def merge_parameters(
    main_config: DictConfig, *configs: DictConfig | Mapping[str, Any], update: bool = True
) -> DictConfig:
    """Return parameters with others merged into them, later ones on top.

    Without ``update``, a later section replaces an earlier one.
    """
    merged = main_config
    for config in configs:
        part = _with_folders(config if isinstance(config, DictConfig) else OmegaConf.create(dict(config)))
        if not update:
            merged = OmegaConf.masked_copy(merged, [str(key) for key in merged if key not in part])
        merged = defaults.merge_parameters(merged, part, update=True)
    return merged


def merge_parameters_from_files(conf: DictConfig, *files: str | Path, update: bool = True) -> DictConfig:
    """Return parameters with YAML files merged into them, see :func:`merge_parameters`."""
    merged = conf
    for file in files:
        part = _with_folders(defaults.load_parameters(file))
        if not update:
            merged = OmegaConf.masked_copy(merged, [str(key) for key in merged if key not in part])
        merged = defaults.merge_loaded(merged, part, str(file))
    return merged


def merge_parameters_from_string(
    conf: DictConfig, *strings: str | Sequence[str] | Mapping[str, Any], update: bool = True
) -> DictConfig:
    """Return parameters with YAML strings, or lists of ``key=value``, merged into them."""
    parts = [_of_string(one) for one in strings]
    return merge_parameters(conf, *parts, update=update)


def _of_string(text: str | Sequence[str] | Mapping[str, Any]) -> DictConfig:
    is_list = not isinstance(text, str | Mapping)
    part = OmegaConf.from_dotlist(list(text)) if is_list else OmegaConf.create(cast(Any, text))
    if not isinstance(part, DictConfig):
        raise ConfigError(f"parameters {text!r} must be a table of sections")
    return part


def compose_parameters_from_files(*files: str | Path, update: bool = True) -> DictConfig:
    """Return the parameters of YAML files, without the shipped ones, see :func:`merge_parameters_from_files`."""
    return merge_parameters_from_files(OmegaConf.create({}), *files, update=update)


def dump_parameters(conf: DictConfig, outfile: str | Path, overwrite: bool = False) -> None:
    """Write parameters to a YAML file."""
    path = Path(outfile)
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists: pass overwrite=True if it may be overwritten")
    path.write_text(OmegaConf.to_yaml(conf), encoding="utf-8")


def get_default_run_options() -> DictConfig:
    """Return the options of a run by name, as PocketCoffea has them before an executor adds its own."""
    return OmegaConf.create({"general": dict(_GENERAL)})


def _with_folders(part: DictConfig) -> DictConfig:
    """Return parameters with the paths of registered folders and of corrections in CVMFS.

    They are filled in at once, since the next analysis may register another folder by the same name, or other tags.
    """
    names = "|".join(map(re.escape, (*_folders, "cvmfs")))
    pattern = re.compile(rf"\$\{{\s*({names})\s*:\s*([^{{}}]*?)\s*\}}")

    def path(match: re.Match[str]) -> str:
        if match[1] == "cvmfs":
            return cvmfs_path(*(part.strip() for part in match[2].split(",")))
        return f"{_folders[match[1]]}/{match[2]}".rstrip("/")

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        return pattern.sub(path, node) if isinstance(node, str) else node

    plain = OmegaConf.to_container(part, resolve=False)
    filled = fill(plain)
    if filled == plain:
        return part
    created: DictConfig = OmegaConf.create(filled)
    return created
