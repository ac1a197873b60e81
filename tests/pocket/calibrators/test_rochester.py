"""Rochester corrections against coffea's, against a plain loop over the lines of the text, and by hand."""

from __future__ import annotations

import gzip
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.lookup_tools.rochester_lookup import rochester_lookup
from coffea.lookup_tools.txt_converters import convert_rochester_file
from scipy.special import erfinv

from pocket.calibrators.rochester import RochesterCorrections, RochesterMuons, find_roccor, sources_in
from pocket.errors import ConfigError, UnknownNameError
from tests.group_files import ROOT, needs_files

PERIODS = ("2016a", "2016b", "2017", "2018")
SIZE = 12_000
# coffea has more digits of π, which RoccoR uses in the shape of the resolution, and in the bins in φ
TOLERANCE = 1e-6
# two sets, the second of two members; one bin in φ is half of the circle
TEXT = """VERSION 1
NSET 3
NMEM 1 2 1
TVAR 0 1 2
CPHI 2
CETA 2 -2.4 0.0 2.4
RMIN 6
RTRK 2
RETA 2 0.0 1.0 2.4
"""


def member(which: str, shift: float, more: str = "") -> str:
    """Return the lines of a member, with parameters that are shifted."""
    lines = [f"{which} T 0 0 0 0.5 1", *(f"{which} F {kind} {1 + kind * 0.1 + shift} 1.2" for kind in (0, 1))]
    for parameter, value in enumerate((0.02, 1e-4, 1e-4, 1.0, 1.5, 5.0)):
        lines += [f"{which} R {parameter} {region} {value} {value * (1.1 + shift)}" for region in (0, 1)]
    for kind in (0, 1):
        for parameter, value in ((0, 0.1), (1, 0.002)):
            for region in (0, 1):
                numbers = [value * (1 + kind + region + shift), -value * (1 + shift)]
                lines.append(f"{which} C {kind} {parameter} {region} {numbers[0]} {numbers[1]}")
    return "\n".join(lines) + "\n" + more


def small_file(folder: Path, more: str = "") -> Path:
    file = folder / "RoccoR.txt"
    members = [member("0 0", 0, more), member("1 0", 0.1), member("1 1", -0.3), member("2 0", 0.2)]
    file.write_text(TEXT + "".join(members))
    return file


def random_muons() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    phi = rng.uniform(-3.14, 3.14, SIZE)
    # coffea and RoccoR differ in the last digits of the edges
    width = math.pi / 8
    near = np.abs(phi / width - np.round(phi / width)) < 1e-4
    return {
        "charge": rng.choice([-1.0, 1.0], SIZE),
        "pt": np.exp(rng.normal(np.log(40), 0.5, SIZE)),
        "eta": rng.uniform(-2.4, 2.4, SIZE),
        "phi": np.where(near, phi + 0.01, phi),
        "gen": rng.normal(1, 0.02, SIZE),
        "layers": rng.integers(6, 18, SIZE),
        "uniform": rng.uniform(1e-4, 1 - 1e-4, SIZE),
    }


class OfCoffea(RochesterCorrections):
    """Corrections with coffea's π."""

    pi = math.pi


@needs_files
@pytest.mark.parametrize("period", PERIODS)
def test_agreement_with_coffea(period: str, tmp_path: Path) -> None:
    packed = ROOT / "roccor" / f"RoccoR{period}UL.txt.gz"
    plain = tmp_path / "RoccoR.txt"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    coffea = rochester_lookup(convert_rochester_file(str(plain), loaduncs=True))
    muons = random_muons()
    place = [muons[name] for name in ("charge", "pt", "eta", "phi")]
    gen, layers, uniform = muons["gen"] * muons["pt"], muons["layers"], muons["uniform"]
    corrections = RochesterCorrections.from_file(str(packed))
    ours, same = corrections.muons(*place), OfCoffea.from_file(str(packed)).muons(*place)
    # coffea needs lists for the smearing
    lists = [ak.unflatten(each, np.full(SIZE // 2, 2)) for each in (*place, layers, uniform)]
    for error_set, number in ((0, 0), (1, 0), (1, 99), (2, 0), (3, 0), (4, 0), (5, 0)):
        which = (error_set, number)
        np.testing.assert_allclose(ours.of_data(*which), coffea.kScaleDT(*place, *which), rtol=TOLERANCE)
        np.testing.assert_allclose(ours.spread(gen, *which), coffea.kSpreadMC(*place, gen, *which), rtol=TOLERANCE)
        # a factor like 5 is near a pole, where π counts
        found, smeared = ours.smear(layers, uniform, *which), np.asarray(ak.flatten(coffea.kSmearMC(*lists, *which)))
        usual = smeared < 2
        assert usual.mean() > 0.999
        np.testing.assert_allclose(found[usual], smeared[usual], rtol=TOLERANCE)
        np.testing.assert_allclose(same.smear(layers, uniform, *which), smeared, rtol=1e-9)
    some = slice(1000)
    place, gen = [each[some] for each in place], gen[some]
    few = corrections.muons(*place)
    for factor, error in (
        (few.of_data, coffea.kScaleDTerror(*place)),
        (lambda s, m: few.spread(gen, s, m), coffea.kSpreadMCerror(*place, gen)),
    ):
        up, down = corrections.shifted(factor, "total")
        np.testing.assert_allclose((up - down) / 2, error, rtol=TOLERANCE, atol=1e-12)
        np.testing.assert_allclose((up + down) / 2, factor(0, 0), rtol=1e-12)


class Loop:
    """Corrections from a plain loop over the lines, for one muon at a time."""

    def __init__(self, text: str) -> None:
        self.header = {
            words[0]: [float(word) for word in words[1:]]
            for words in map(str.split, text.splitlines())
            if words[0].isupper() and words[0] != "VERSION"
        }
        self.rows: dict[tuple[str, ...], list[float]] = defaultdict(list)
        keys = {"C": 3, "F": 1, "R": 2, "T": 2, "X": 1}
        for words in map(str.split, text.splitlines()):
            if words[0].isdigit():
                n = 3 + keys[words[2]]
                self.rows[tuple(words[:n])] = [float(word) for word in words[n:]]

    @staticmethod
    def bin(value: float, edges: list[float]) -> int:
        position = 0
        for number, edge in enumerate(edges[:-1]):
            if value >= edge:
                position = number
        return min(position, len(edges) - 2)

    def scale(self, which: tuple[int, int], kind: int, muon: dict[str, float]) -> float:
        head = tuple(map(str, which))
        eta = self.bin(muon["eta"], self.header["CETA"][1:])
        n_phi = int(self.header["CPHI"][0])
        phi = min(max(int((muon["phi"] + 3.14159) / (2 * 3.14159 / n_phi)), 0), n_phi - 1)
        m, a = (self.rows[(*head, "C", str(kind), part, str(eta))][phi] / 100 for part in "01")
        x = self.rows.get((*head, "X", str(kind)), [0.0])[0]
        return 1 / (1 + m + muon["charge"] * a * muon["pt"] + x / muon["pt"])

    def ratio(self, which: tuple[int, int], muon: dict[str, float]) -> tuple[float, float]:
        region = self.bin(abs(muon["eta"]), self.header["RETA"][1:])
        data, mc = (self.rows[(*map(str, which), "F", kind)][region] for kind in "10")
        return data, mc

    def spread(self, which: tuple[int, int], muon: dict[str, float], gen_pt: float) -> float:
        scale = self.scale(which, 0, muon)
        data, mc = self.ratio(which, muon)
        part = gen_pt / (scale * muon["pt"])
        return scale * part / (1 + (part - 1) * data / mc)

    def smear(self, which: tuple[int, int], muon: dict[str, float], layers: int, u: float) -> float:
        scale = self.scale(which, 0, muon)
        data, mc = self.ratio(which, muon)
        if data <= mc:
            return scale
        region = self.bin(abs(muon["eta"]), self.header["RETA"][1:])
        layer = min(max(layers - int(self.header["RMIN"][0]), 0), int(self.header["RTRK"][0]) - 1)
        c0, c1, c2, s, a, n = (self.rows[(*map(str, which), "R", str(i), str(region))][layer] for i in range(6))
        above = scale * muon["pt"] - 45
        sigma = c0 + c1 * above + c2 / 100 * above * above
        change = math.sqrt(data**2 - mc**2) * sigma * self.quantile(u, s, a, n)
        return scale / (1 + change) if change > -1 else scale

    @staticmethod
    def quantile(u: float, s: float, a: float, n: float) -> float:
        """Return the quantile of the density that is flat in no part: tails (n/a)^n e^(-a²/2) / (n/a - a + |x|)^n."""
        root = math.sqrt(3.14159 / 2)
        tail = n / a / (n - 1) * math.exp(-a * a / 2)
        core = 2 * root * math.erf(a / math.sqrt(2))
        whole = core + 2 * tail
        side, part = (1, (1 - u) * whole) if u > 0.5 else (-1, u * whole)
        if part < tail:
            # the integral of the tail beyond d is tail * (1 + (d - a) a / n)^(1 - n)
            return side * s * (a + n / a * ((part / tail) ** (1 / (1 - n)) - 1))
        return side * s * math.sqrt(2) * float(erfinv((whole / 2 - part) / root))


def test_a_plain_loop_over_a_small_file(tmp_path: Path) -> None:
    text = small_file(tmp_path, "0 0 X 0 0.05\n0 0 X 1 0.02\n")
    # every member has as many lines
    others = text.read_text()
    for which in ("1 0", "1 1", "2 0"):
        others += f"{which} X 0 0.01\n{which} X 1 0.03\n"
    text.write_text(others)
    check_against_the_loop(RochesterCorrections.from_file(str(text)), others, [(0, 0), (1, 0), (1, 1), (2, 0)])


@needs_files
@pytest.mark.parametrize("period", PERIODS)
def test_a_plain_loop_over_the_real_files(period: str) -> None:
    file = ROOT / "roccor" / f"RoccoR{period}UL.txt.gz"
    text = gzip.decompress(file.read_bytes()).decode()
    check_against_the_loop(RochesterCorrections.from_file(str(file)), text, [(0, 0), (1, 7), (4, 0)])


def check_against_the_loop(corrections: RochesterCorrections, text: str, members: list[tuple[int, int]]) -> None:
    loop, rng = Loop(text), np.random.default_rng(4)
    muons = random_muons()
    # edges, values beyond them, and as many layers as no bin has
    n = 4000
    values = {name: each[:n] for name, each in muons.items()}
    values["eta"] = np.where(
        rng.random(n) < 0.2, rng.choice([-2.5, -2.4, 0.0, 0.4, 1.0, 2.1, 2.4, 2.6], n), values["eta"]
    )
    values["phi"] = np.where(rng.random(n) < 0.2, rng.choice([-math.pi, 0.0, math.pi, 3.15], n), values["phi"])
    values["layers"] = rng.integers(0, 30, n)
    place = ("charge", "pt", "eta", "phi")
    ours = corrections.muons(*(values[name] for name in place))
    gen = values["gen"] * values["pt"]
    for which in members:
        found = [
            ours.of_data(*which),
            ours.spread(gen, *which),
            ours.smear(values["layers"], values["uniform"], *which),
        ]
        expected = []
        for number in range(n):
            muon = {name: float(values[name][number]) for name in place}
            smeared = loop.smear(which, muon, int(values["layers"][number]), float(values["uniform"][number]))
            expected.append((loop.scale(which, 1, muon), loop.spread(which, muon, float(gen[number])), smeared))
        for mine, theirs in zip(found, zip(*expected, strict=True), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11)


def factors(muons: RochesterMuons) -> Any:
    return lambda error_set, number: muons.of_data(error_set, number)


def test_errors_by_hand(tmp_path: Path) -> None:
    corrections = RochesterCorrections.from_file(str(small_file(tmp_path)))
    assert corrections.sources == sources_in(find_roccor(str(tmp_path / "RoccoR.txt"))) == ("stat", "Zpt", "total")
    factor = factors(corrections.muons(*(np.array([value]) for value in (1.0, 50.0, 1.0, -1.0))))
    default, first, second, other = (float(factor(*which)[0]) for which in ((0, 0), (1, 0), (1, 1), (2, 0)))
    # M is 1 + 0.1 * 3 / 100, A is 0.002 * 3 / 100
    assert default == pytest.approx(1 / (1.003 + 0.00006 * 50), rel=1e-14)
    stat = math.sqrt(((first - default) ** 2 + (second - default) ** 2) / 2)
    for source, shift in (
        ("stat", stat),
        ("Zpt", other - default),
        ("total", math.hypot(stat, other - default)),
    ):
        up, down = corrections.shifted(factor, source)
        assert up[0] == pytest.approx(default + shift, rel=1e-14)
        assert down[0] == pytest.approx(default - shift, rel=1e-14)
    with pytest.raises(
        UnknownNameError, match=r"unknown error set 'Ewk' in the Rochester corrections; known: Zpt, stat, t"
    ):
        corrections.shifted(factor, "Ewk")


def test_plain_and_gzipped_files(tmp_path: Path) -> None:
    plain = small_file(tmp_path)
    packed = tmp_path / "packed.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    # the name without .gz finds it, too
    for name in (packed, tmp_path / "packed.txt"):
        found = RochesterCorrections.from_file(str(name))
        assert np.array_equal(found.scale, RochesterCorrections.from_file(str(plain)).scale)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.txt doesn't exist, nor with \.gz: copy it from https://gitlab"):
        RochesterCorrections.from_file(str(tmp_path / "none.txt"))
    plain = small_file(tmp_path)
    for content in ("", "{}", "NSET 1\n0 0 F 0 1"):
        plain.write_text(content)
        with pytest.raises(ConfigError, match=r"RoccoR\.txt has no Rochester corrections, see https://gitlab"):
            RochesterCorrections.from_file(str(plain))
    text = small_file(tmp_path).read_text()
    # the last lines are missing, a number is, or there are more members than the header has
    for content in (text[:-200], re.sub(r"(?m)^(0 0 R 1 0 .*) .*$", r"\1", text), text + member("1 2", 0)):
        plain.write_text(content)
        with pytest.raises(ConfigError, match=r"RoccoR\.txt has incomplete Rochester corrections: copy it again"):
            RochesterCorrections.from_file(str(plain))
