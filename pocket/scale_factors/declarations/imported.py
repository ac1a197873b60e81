"""Declaration of scale factors that are imported from a correctionlib file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pocket.errors import ConfigError
from pocket.scale_factors.declarations.base import ScaleFactorBase

#: additional input of a written correction
SYSTEMATIC = "systematic"
_KEY = re.compile(r"nominal|(?P<source>(.+_)?)(up|down)")


@dataclass(frozen=True, kw_only=True)
class Imported(ScaleFactorBase):
    """A published scale factor, written in the same way as a measured one.

    Args:
        file: correctionlib file, possibly by name, such as ``corrections://POG/MUO/2018_UL/muon_Z.json.gz``
            (:mod:`pocket.parameters.locations`) or ``toys://muon_Z.json.gz``.
        correction: name of the correction in it.
        inputs: input of the correction → its value, a string or a number, for inputs with a fixed value.
        rename: input of the correction → its new name, e.g. ``{"eta": "abseta"}``; other inputs keep their names.
        systematic: input of the correction that selects nominal and varied values, if there is one.
        keys: ``nominal``, ``up``, ``down``, ``stat_up``, ``<source>_up``, … → the value of that input. A sign before
            the value, as in ``{"stat_up": "+stat", "stat_down": "-stat"}``, means that it selects the size of the
            error, which is added to or subtracted from the nominal value.

    Raises:
        ConfigError: if a name is empty or appears twice, or the keys are inconsistent.
    """

    maker: ClassVar[str] = "pocket.scale_factors.files.importing:make"
    validator: ClassVar[str] = "pocket.scale_factors.validation.imported_checks:validate"
    checker: ClassVar[str] = "pocket.scale_factors.files.importing:check"

    file: str
    correction: str
    inputs: Mapping[str, str | int | float] = dataclasses.field(default_factory=dict)
    rename: Mapping[str, str] = dataclasses.field(default_factory=dict)
    systematic: str = ""
    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("file", "correction"):
            if not getattr(self, key):
                raise ConfigError(f"{self.where}: {key} is empty")
        for name, value in self.inputs.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ConfigError(f"{self.where}: input {name!r} must be a string or a number, not {value!r}")
        for name in (*self.rename, self.systematic):
            if name in self.inputs:
                raise ConfigError(f"{self.where}: input {name!r} has a value in inputs, it can't be anything else")
        if self.systematic in self.rename:
            raise ConfigError(f"{self.where}: input {self.systematic!r} is systematic, it can't be renamed")
        new = list(self.rename.values())
        for name in new:
            if not name or name == SYSTEMATIC or new.count(name) > 1:
                raise ConfigError(f"{self.where}: rename can't call an input {name!r}, or two of them")
        self._check_keys()

    @property
    def where(self) -> str:
        """Name of this declaration in error messages."""
        return f"Imported correction {self.correction!r}"

    def files(self) -> tuple[str, ...]:
        """Return the name of the file."""
        return (self.file,)

    def systematics_written(self) -> tuple[str, ...]:
        """Return the keys of ``systematic`` in the written file."""
        return tuple(self.keys) or ("nominal",)

    def _check_keys(self) -> None:
        if bool(self.keys) != bool(self.systematic):
            raise ConfigError(
                f"{self.where}: systematic is the input that keys are values of; give both, or neither of them"
            )
        if not self.keys:
            return
        if not self.keys.get("nominal") or signed(self.keys["nominal"])[0]:
            raise ConfigError(
                f"{self.where}: keys needs the value of {self.systematic!r} for 'nominal', without a sign"
            )
        for key, value in self.keys.items():
            match = _KEY.fullmatch(key)
            if not match:
                raise ConfigError(
                    f"{self.where}: keys has {key!r}, expected nominal, up, down, or a source as in stat_up"
                )
            if not signed(value)[1]:
                raise ConfigError(f"{self.where}: keys has no value of {self.systematic!r} for {key!r}")
            source = match["source"] or ""
            pair = [self.keys.get(f"{source}{side}") for side in ("up", "down")]
            if key != "nominal" and (None in pair or len({*pair, self.keys["nominal"]}) < 3):
                raise ConfigError(
                    f"{self.where}: keys needs '{source}up' and '{source}down', which differ from each other and from "
                    "'nominal'"
                )


def signed(value: str) -> tuple[int, str]:
    """Return the sign before one of the keys' values, 0 if there is none, and the rest of the value."""
    signs = {"+": 1, "-": -1}
    return (signs[value[0]], value[1:]) if value[:1] in signs else (0, value)
