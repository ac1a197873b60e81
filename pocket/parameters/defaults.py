"""Composition of parameters with OmegaConf."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import omegaconf
import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper
from omegaconf.errors import OmegaConfBaseException

from pocket.base.dialects import dialect
from pocket.base.runtime.file_cache import cached
from pocket.base.runtime.file_state import near_files
from pocket.errors import ConfigError
from pocket.parameters import checking, schema
from pocket.parameters.checking import (
    check_keys,
    line_of,
    surprising_numbers,
    warn_of_near_keys,
    without_numbered_years,
)
from pocket.parameters.eras import SECTION, era_files
from pocket.parameters.explaining import yaml_reason
from pocket.parameters.locations import project_path, project_root, register_configuration_dir
from pocket.parameters.overrides import apply_overrides
from pocket.parameters.plain import fixed_content, to_plain
from pocket.parameters.shipped import find_files, shipped_root

__all__ = [
    "dump_parameters",
    "get_default_parameters",
    "merge_parameters",
    "merge_parameters_from_files",
    "project_path",
    "project_root",
    "register_configuration_dir",
]


def get_default_parameters(*on_top: Path) -> DictConfig:
    """Return the shipped defaults from all YAML files in the folders params/ and params/eras/.

    Those in params/eras/ have the parameters of one year each. A file in the project's own folders goes before a
    shipped one with the same name.

    Args:
        *on_top: files that are merged into them, whose keys aren't checked for similar ones.

    Raises:
        ConfigError: if there is no file, or a file can't be read, has an unknown key, or sets a value that another one
            also sets, or if a file in params/eras/ sets something that isn't of its year.
    """
    files = find_files("params", "*.yaml")
    if not files:
        raise ConfigError(f"no default parameters are in {shipped_root() / 'params'}: install Pocketlaw again")
    eras = era_files()
    try:
        # They are cached as a pickle, which loads faster than YAML. It executes code, so users' files aren't.
        version = _method() + b"".join(b"%b\0%b\0" % (bytes(path), path.read_bytes()) for path in (*eras, *files))
        merged = cached(files[0], "defaults", version, lambda _: pickle.dumps(_merge_defaults(eras, files)))
    except OSError as error:
        raise ConfigError(f"parameter file {error.filename}: {error.strerror}") from None
    defaults = pickle.loads(merged)
    return apply_overrides(_merged(defaults, *map(_load_shipped, on_top)) if on_top else defaults)


def _merge_defaults(eras: Sequence[Path], files: Sequence[Path]) -> DictConfig:
    # A project's own parameters change those of eras, too.
    parts = [OmegaConf.create({}), *map(_load_era, eras)]
    origin: dict[str, str] = {}
    for path in files:
        part = _load_shipped(path)
        for section in part:
            first = origin.setdefault(str(section), path.name)
            if first != path.name:
                raise ConfigError(f"section {section!r} is in params/{path.name} and in params/{first}")
        parts.append(part)
    return _merged(*parts)


def _load_era(path: Path) -> DictConfig:
    part = _load_shipped(path)
    part.pop(SECTION, None)
    _check_era(OmegaConf.to_container(part, resolve=False), path, ())
    return part


def _check_era(node: Any, path: Path, above: tuple[str, ...]) -> None:
    """Check that a file in params/eras/ has only what is of its year."""
    year = path.stem
    for key, value in node.items():
        place = (*above, str(key))
        if place[-1] == year and key != year:
            raise ConfigError(
                f"{line_of(str(path), place)} has the number {year} as a key, write the year in quotes: '{year}'"
            )
        if key != year:
            if not (isinstance(value, dict) and value):
                where = line_of(str(path), place)
                raise ConfigError(
                    f"{'.'.join(place)} in {where} isn't of the year {year}: set it in another file of params/"
                )
            _check_era(value, path, place)


def _load_shipped(path: Path) -> DictConfig:
    # Each file is cached, too, since all others stay when somebody edits one.
    loaded = cached(path, "loaded", _method(), lambda _: pickle.dumps(load_parameters(path)))
    part: DictConfig = pickle.loads(loaded)
    return part


def merge_parameters_from_files(main: DictConfig, *files: str | Path, update: bool = False) -> DictConfig:
    """Return ``main`` with the YAML files merged into it, later ones on top.

    Args:
        main: parameters to start from; not changed.
        *files: YAML files; relative ones lie in the working directory, or else in the project.
        update: whether a file may change existing values.

    Raises:
        ConfigError: if a file can't be read, has an unknown key, or changes a value without ``update``.
    """
    parts = [main]
    for file in files:
        part = without_numbered_years(load_parameters(file), parts, str(file))
        warn_of_near_keys(part, main, str(file))
        for other in () if update else parts:
            _refuse_changes(other, part, str(file))
        parts.append(part)
    # All files are merged at once, since each merge copies everything.
    return apply_overrides(_merged(*parts))


def merge_loaded(main: DictConfig, part: DictConfig, where: str) -> DictConfig:
    """Return ``main`` with parameters merged into it that were loaded from a file."""
    warn_of_near_keys(part, main, where)
    return apply_overrides(_merged(main, without_numbered_years(part, [main], where)))


def merge_parameters(main: DictConfig, *others: DictConfig | dict[str, Any], update: bool = False) -> DictConfig:
    """Return ``main`` with other parameters merged into it, see :func:`merge_parameters_from_files`."""
    merged = main
    for other in others:
        part = dialect().parameters_in_own_form(OmegaConf.create(other) if isinstance(other, dict) else other)
        check_keys(OmegaConf.to_container(part, resolve=False), "merged parameters")
        part = without_numbered_years(part, [merged], "merged parameters")
        warn_of_near_keys(part, merged, "merged parameters")
        if not update:
            _refuse_changes(merged, part, "merged parameters")
        merged = _merged(merged, part)
    return apply_overrides(merged)


def dump_parameters(parameters: DictConfig) -> str:
    """Return parameters as YAML, with interpolations resolved and keys in alphabetical order.

    The result can be merged again and gives the same parameters.

    Raises:
        ConfigError: if an interpolation can't be resolved.
    """
    content = fixed_content(parameters)
    if content is None:
        return _dumped(parameters)
    # Configurations of an analysis have the same parameters, and writing YAML takes longer than merging their outputs.
    if content not in _texts:
        _texts[content] = _dumped(parameters)
    return _texts[content]


_texts: dict[bytes, str] = {}


def _dumped(parameters: DictConfig) -> str:
    # This is what OmegaConf.to_yaml() does, without resolving everything a second time, which takes longer.
    return str(
        yaml.dump(
            to_plain(parameters),
            Dumper=get_omega_conf_dumper(),
            default_flow_style=False,
            allow_unicode=True,
            sort_keys=True,
        )
    )


def load_parameters(file: str | Path) -> DictConfig:
    """Return the parameters of a YAML file, with interpolations as written."""
    path = Path(file)
    # Jobs don't run in the working directory of the command.
    path = project_path(path) if not path.exists() and project_path(path).exists() else path
    try:
        stat = path.stat()
    except OSError:
        raise ConfigError(f"parameter file {path} does not exist{near_files(path)}") from None
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, mtime_ns: int, size: int) -> DictConfig:
    content = path.read_bytes()
    try:
        text = io.StringIO(content.decode())
        text.name = str(path)  # The name is shown in errors.
        part = OmegaConf.load(text)
    except (OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"parameter file {yaml_reason(error, path)}") from None
    if not isinstance(part, DictConfig):
        raise ConfigError(f"parameter file {path} must hold a mapping of sections")
    part = dialect().parameters_in_own_form(part)
    assert isinstance(part, DictConfig)
    check_keys(OmegaConf.to_container(part, resolve=False), str(path), surprising_numbers(content.decode()))
    return part


@functools.cache
def _method() -> bytes:
    """Return the version of the cached parameters, decided by OmegaConf, the code here, and the checks of keys."""
    modules = (checking, schema, *dialect().parameter_modules)
    files = (__file__, *(str(module.__file__) for module in modules))
    return b"".join([omegaconf.__version__.encode(), *(Path(file).read_bytes() for file in files)])


def _merged(main: DictConfig, *parts: DictConfig) -> DictConfig:
    # Parameters are copied by pickle, since the copies that OmegaConf's merge() makes would dominate loading an
    # analysis.
    content = pickle.dumps([main, *parts])
    merged: Any
    try:
        merged = OmegaConf.unsafe_merge(*pickle.loads(content))
    except TypeError:
        # PocketCoffea's older releases have lists where there are tables now; whichever comes later counts.
        merged, *others = pickle.loads(content)
        for other in others:
            for place in list(_replaced(merged, other)):
                OmegaConf.update(merged, place, None, merge=False)
            merged = OmegaConf.unsafe_merge(merged, other)
    assert isinstance(merged, DictConfig)
    return merged


def _refuse_changes(main: DictConfig, part: DictConfig, where: str, prefix: str = "") -> None:
    for key in part:
        if key not in main:
            continue
        old, new = main._get_node(key), part._get_node(key)
        if isinstance(old, DictConfig) and isinstance(new, DictConfig):
            _refuse_changes(old, new, where, f"{prefix}{key!s}.")
        elif old != new:
            raise ConfigError(f"{where} changes {prefix}{key!s}: pass update=True if that is meant")


def _replaced(one: DictConfig, other: DictConfig, *path: str) -> Iterator[str]:
    """Yield the places at which one of two parameters is a table and the other one a list."""
    for key in other:
        try:
            pair = (one.get(key), other[key])
        except OmegaConfBaseException:  # A value that isn't there, or refers to one.
            continue
        kinds = {type(node) for node in pair}
        if kinds == {DictConfig}:
            yield from _replaced(*pair, *path, str(key))
        elif kinds == {DictConfig, ListConfig}:
            yield ".".join((*path, str(key)))
