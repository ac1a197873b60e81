"""Rochester corrections of the momenta of muons, from the text files of the muon group.

Files and formulas are those of RoccoR (https://gitlab.cern.ch/akhukhun/roccor, version 5 for the Ultra Legacy campaigns
of 2016 to 2018, https://twiki.cern.ch/twiki/bin/view/CMS/RochcorMuon).
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from scipy import special

from pocket.base.typing import Floats, Indices
from pocket.calibrators.crystal_ball import PI, CrystalBall
from pocket.errors import ConfigError, check_known
from pocket.parameters.checksums import FileContent, content_of

#: Names of the error sets, in the order of the files: statistical replicas; without the reweighting of pt(Z); without
#: electroweak weights; another window of the mass; Z width that depends on the energy.
SETS = ("default", "stat", "Zpt", "Ewk", "deltaM", "Ewk2")
#: Name of all errors together.
TOTAL = "total"
#: Where the files are, for errors.
ORIGIN = "https://gitlab.cern.ch/akhukhun/roccor"
_GZIP = b"\x1f\x8b"
#: Types of samples in the files.
MC, DATA = 0, 1

#: Correction of muons for an error set and a member of it.
Factor = Callable[[int, int], Floats]


@dataclass(frozen=True, eq=False)
class RochesterCorrections:
    """Corrections of one year: of each member of each error set, in bins.

    Args:
        scale: parameters M, A and X, shape (3, n members, 2 (simulation, data), n η, n φ).
        sigma: coefficients of the resolution, shape (3, n members, n |η|, n layers).
        ball: width, tail and power of the Crystal Ball function, shape (3, n members, n |η|, n layers).
        resolution: factor on the resolution, shape (n members, 2 (simulation, data), n |η|).
    """

    members: tuple[int, ...]
    eta: Floats
    resolution_eta: Floats
    lowest_layers: int
    scale: Floats
    sigma: Floats
    ball: Floats
    resolution: Floats

    #: PocketCoffea's copy of the program has other values.
    pi: ClassVar[float] = PI
    inverse_erf: ClassVar[Any] = staticmethod(special.erfinv)

    @classmethod
    def from_file(cls, name: str) -> RochesterCorrections:
        """Return the corrections in a text file, plain or gzipped."""
        found = _parse(find_roccor(name))
        return cls(**{each.name: getattr(found, each.name) for each in fields(found)})

    def muons(self, charge: Floats, pt: Floats, eta: Floats, phi: Floats) -> RochesterMuons:
        """Return muons, of which the corrections can be computed; all arguments have shape (n muons,)."""
        return RochesterMuons(self, charge, pt, eta, phi)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the errors: those of the sets in the file, and all together."""
        return (*SETS[1 : len(self.members)], TOTAL)

    def shifted(self, factor: Factor, source: str) -> tuple[Floats, Floats]:
        """Return a correction up and down by an error.

        Of the statistical replicas, this is the square root of the mean squared difference from the default. Each of
        the others is one alternative: up is the alternative, down is as far on the other side of the default. All
        together are added in quadrature, as in the functions ``…error`` of RoccoR.
        """
        check_known("error set", [source], self.sources, "the Rochester corrections")
        default = factor(0, 0)
        if source == TOTAL:
            error = np.sqrt(sum(_mean_square(factor, default, which, n) for which, n in enumerate(self.members)))
        elif self.members[which := SETS.index(source)] > 1:
            error = np.sqrt(_mean_square(factor, default, which, self.members[which]))
        else:
            error = factor(which, 0) - default
        return default + error, default - error


def _mean_square(factor: Factor, default: Floats, which: int, members: int) -> Floats:
    total = np.zeros_like(default)
    for member in range(members):
        total += (factor(which, member) - default) ** 2
    return total / members


class RochesterMuons:
    """Muons in the bins of corrections: factors on pt (n muons,) for an error set and a member of it."""

    def __init__(self, of: RochesterCorrections, charge: Floats, pt: Floats, eta: Floats, phi: Floats) -> None:
        self._of, self._charge, self._pt = of, charge, pt
        n_phi = of.scale.shape[-1]
        in_phi = ((phi + of.pi) / (2 * of.pi / n_phi)).astype(np.int64)
        self._bin = np.searchsorted(of.eta, eta, side="right"), np.clip(in_phi, 0, n_phi - 1)
        self._resolution_bin = np.searchsorted(of.resolution_eta, np.abs(eta), side="right")

    def of_data(self, error_set: int = 0, member: int = 0) -> Floats:
        """Return the correction of the scale in data (kScaleDT)."""
        return self._scale(DATA, self._position(error_set, member))

    def spread(self, gen_pt: Floats, error_set: int = 0, member: int = 0) -> Floats:
        """Return the correction of simulation with a generated muon of pt ``gen_pt`` in GeV (kSpreadMC)."""
        of, position = self._of, self._position(error_set, member)
        scale = self._scale(MC, position)
        ratio = gen_pt / (scale * self._pt)
        in_data, in_mc = (of.resolution[position, kind, self._resolution_bin] for kind in (DATA, MC))
        return np.asarray(scale * ratio / (1 + (ratio - 1) * in_data / in_mc))

    def smear(self, layers: Indices, uniform: Floats, error_set: int = 0, member: int = 0) -> Floats:
        """Return the correction of simulation without a generated muon (kSmearMC)."""
        of, position = self._of, self._position(error_set, member)
        scale = self._scale(MC, position)
        # The program has no upper limit of the number of layers, and reads beyond its last bin.
        layer = np.clip(layers - of.lowest_layers, 0, of.sigma.shape[-1] - 1)
        place = (slice(None), position, self._resolution_bin, layer)
        constant, linear, square = of.sigma[place]
        above = scale * self._pt - 45
        width, tail, power = of.ball[place]
        ball = CrystalBall(np.zeros_like(width), width, tail, power, of.pi, of.inverse_erf)
        in_data, in_mc = (of.resolution[position, kind, self._resolution_bin] for kind in (DATA, MC))
        extra = np.sqrt(np.maximum(in_data**2 - in_mc**2, 0))
        sigma = constant + linear * above + square * above * above
        change = np.where(extra > 0, extra * sigma * ball.inverse(uniform), 0)
        possible = change > -1
        return np.asarray(scale / np.where(possible, 1 + change, 1))

    def _scale(self, kind: int, position: int) -> Floats:
        m, a, x = self._of.scale[(slice(None), position, kind, *self._bin)]
        return np.asarray(1 / (m + self._charge * a * self._pt + x / self._pt))

    def _position(self, error_set: int, member: int) -> int:
        return sum(self._of.members[:error_set]) + member


def find_roccor(name: str) -> FileContent:
    """Return a text file of corrections, see :meth:`RochesterCorrections.from_file`."""
    for each in (name, f"{name}.gz"):
        try:
            return content_of(each)
        except (ConfigError, OSError):
            continue
    raise ConfigError(
        f"{name} doesn't exist, nor with .gz: copy it from {ORIGIN}, for corrections://roccor into the folder roccor "
        "of $POCKET_CORRECTIONS or data/corrections"
    )


def sources_in(content: FileContent) -> tuple[str, ...]:
    """Return the names of the errors in a file, without reading all of it."""
    header, _ = _split(content)
    return (*SETS[1 : len(header["NMEM"])], TOTAL)


def _split(content: FileContent) -> tuple[dict[str, list[float]], list[str]]:
    """Return the first lines, keyword → numbers, and all others."""
    found = content.read()
    try:
        lines = (gzip.decompress(found) if found.startswith(_GZIP) else found).decode().splitlines()
        rest = next(index for index, line in enumerate(lines) if line[:1].isdigit())
        header = {words[0]: _numbers(words[1:]) for words in map(str.split, lines[:rest]) if words[:1] != ["VERSION"]}
        # The number of phi bins is the first number, edges follow their number.
        if not {"NMEM", "CPHI", "CETA", "RMIN", "RTRK", "RETA"} <= set(header):
            raise ValueError
    except (OSError, StopIteration, ValueError):
        raise ConfigError(f"{content.path} has no Rochester corrections, see {ORIGIN}") from None
    return header, lines[rest:]


def _numbers(words: Sequence[str]) -> list[float]:
    return [float(word) for word in words]


@functools.lru_cache(maxsize=8)
def _parse(content: FileContent) -> RochesterCorrections:
    header, lines = _split(content)
    members = tuple(int(number) for number in header["NMEM"])
    n_eta, n_phi, n_resolution, n_layers = (int(header[key][0]) for key in ("CETA", "CPHI", "RETA", "RTRK"))
    found = RochesterCorrections(
        members=members,
        eta=np.asarray(header["CETA"][2:-1]),
        resolution_eta=np.asarray(header["RETA"][2:-1]),
        lowest_layers=int(header["RMIN"][0]),
        scale=np.zeros((3, sum(members), 2, n_eta, n_phi)),
        sigma=np.zeros((3, sum(members), n_resolution, n_layers)),
        ball=np.ones((3, sum(members), n_resolution, n_layers)),
        resolution=np.ones((sum(members), 2, n_resolution)),
    )
    lines_of = np.zeros(sum(members), dtype=np.int64)
    try:
        for error_set, member, tag, *words in map(str.split, filter(str.strip, lines)):
            position = sum(members[: int(error_set)]) + int(member)
            lines_of[position] += 1
            _fill(found, position, tag, words)
        if len(set(lines_of.tolist())) > 1:
            raise ValueError
    except (IndexError, ValueError):
        raise ConfigError(f"{content.path} has incomplete Rochester corrections: copy it again from {ORIGIN}") from None
    return found


def _fill(of: RochesterCorrections, position: int, tag: str, words: Sequence[str]) -> None:
    """Enter a line of a member; the first one or two words say which bin, the others are numbers."""
    if tag == "R":
        which, region, *values = (int(words[0]), int(words[1]), *_numbers(words[2:]))
        table, row = (of.sigma, which) if which < 3 else (of.ball, which - 3)
        _enter(table[row, position, region], values, 100 if which == 2 else 1)
    elif tag == "F":
        _enter(of.resolution[position, int(words[0])], _numbers(words[1:]))
    elif tag == "C":
        kind, which, region = map(int, words[:3])
        _enter(of.scale[which, position, kind, region], _numbers(words[3:]), 100)
        of.scale[which, position, kind, region] += which == 0
    elif tag == "X":
        of.scale[2, position, int(words[0])] = float(words[1])
    # Lines of other tags are for corrections without the number of layers, which nobody uses.


def _enter(row: Floats, values: Sequence[float], unit: float = 1) -> None:
    if len(values) != len(row):
        raise ValueError
    row[:] = np.asarray(values) / unit
