"""Scale and resolution of muons in Run 3 against a plain loop over muons with the muon group's formulas."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from scipy.special import erfinv

from pocket.calibrators.muon_scale_resolution import MuonScaleResolution, generator, random_uniform
from pocket.errors import ConfigError
from tests.group_files import ROOT, a_year_of_each_run, needs_files
from tests.pocket.calibrators.muon_events import muon_events, rows

CAMPAIGNS = ("2022_Summer22", "2022_Summer22EE", "2023_Summer23", "2023_Summer23BPix")
#: the correction of newer files, in the official schema
RANDOM_SMEARING = {
    "name": "RandomSmearing",
    "version": 1,
    "inputs": [
        {"name": "evtNr", "type": "int"},
        {"name": "lumiNr", "type": "int"},
        {"name": "phi", "type": "real"},
    ],
    "output": {"name": "random_number", "type": "real"},
    "data": {"nodetype": "hashprng", "inputs": ["evtNr", "lumiNr", "phi"], "distribution": "stdflat"},
}


def file_of(campaign: str) -> Path:
    return ROOT / "POG" / "MUO" / campaign / "muon_scalesmearing.json.gz"


class Loop:
    """Corrections of one file for one muon at a time."""

    def __init__(self, file: Path) -> None:
        corrections = correctionlib.CorrectionSet.from_file(str(file))
        self.known = {name: corrections[name] for name in corrections}
        self.cached: dict[tuple[Any, ...], float] = {}

    def value(self, *key: Any) -> float:
        if key not in self.cached:
            self.cached[key] = float(self.known[key[0]].evaluate(*key[1:]))
        return self.cached[key]

    def scaled(self, muon: dict[str, Any], kind: str) -> float:
        pt, place = muon["pt"], (muon["eta"], muon["phi"], "nom")
        if not 26 <= pt <= 200:
            return float(pt)
        return 1 / (self.value(f"m_{kind}", *place) / pt + muon["charge"] * self.value(f"a_{kind}", *place))

    def random(self, muon: dict[str, Any], u: float) -> float:
        """Return the quantile of a Crystal Ball function, NaN without one."""
        place = (abs(muon["eta"]), float(muon["nTrackerLayers"]))
        mean, width, power, tail = (self.value("cb_params", *place, number) for number in range(4))
        if not (width > 0 and power > 1 and tail > 0):
            return math.nan
        root = math.sqrt(3.14159 / 2)
        part_of_tail = power / tail / (power - 1) * math.exp(-tail * tail / 2)
        core = 2 * root * math.erf(tail / math.sqrt(2))
        whole = core + 2 * part_of_tail
        side, part = (1, (1 - u) * whole) if u > 0.5 else (-1, u * whole)
        if part < part_of_tail:
            try:
                distance = tail + power / tail * ((part / part_of_tail) ** (1 / (1 - power)) - 1)
            except OverflowError:
                distance = math.inf
        else:
            distance = math.sqrt(2) * float(erfinv((whole / 2 - part) / root))
        return mean + side * width * distance

    def smeared(self, muon: dict[str, Any], pt: float, u: float) -> float:
        eta = abs(muon["eta"])
        random = self.random(muon, u)
        if not 26 <= pt <= 200 or math.isnan(random):
            return pt
        parameters = [self.value("poly_params", eta, float(muon["nTrackerLayers"]), number) for number in range(3)]
        width = max(parameters[0] + parameters[1] * pt + parameters[2] * pt * pt, 0)
        data, mc = self.value("k_data", eta, "nom"), self.value("k_mc", eta, "nom")
        extra = math.sqrt(data**2 - mc**2) if mc < data else 0
        return self.limited(pt * (1 + extra * width * random), pt)

    @staticmethod
    def limited(pt: float, before: float) -> float:
        return before if pt < 0 or not 0.1 <= pt / before <= 2 else pt

    def smear_shifted(self, muon: dict[str, Any], before: float, after: float, sign: int, key: str) -> float:
        k, error = (self.value("k_mc", abs(muon["eta"]), which) for which in ("nom", key))
        return self.limited(before * (1 + (k + sign * error) * (after / before - 1) / k), before)

    def scale_shifted(self, muon: dict[str, Any], pt: float, sign: int, key: str) -> float:
        place = (muon["eta"], muon["phi"])
        a, m = self.value("a_mc", *place, key), self.value("m_mc", *place, key)
        rho = self.value("m_mc", *place, f"rho_{key}")
        return pt + sign * math.sqrt(m**2 * pt**2 + a**2 * pt**4 + 2 * muon["charge"] * rho * m * a * pt**3)


@needs_files
@pytest.mark.parametrize("campaign", a_year_of_each_run(CAMPAIGNS))
def test_a_plain_loop(campaign: str) -> None:
    loop, muons = Loop(file_of(campaign)), rows(muon_events(5500))
    assert len(muons) >= 10_000
    columns = {name: np.array([muon[name] for muon in muons]) for name in muons[0]}
    pt, eta, phi = (columns[name].astype(np.float64) for name in ("pt", "eta", "phi"))
    charge, layers = columns["charge"], columns["nTrackerLayers"].astype(np.float64)
    uniform = random_uniform(str(file_of(campaign)), columns["event"], columns["luminosityBlock"], phi)
    assert 0 <= uniform.min() < 0.001 < 0.999 < uniform.max() < 1
    ours = MuonScaleResolution.from_file(str(file_of(campaign)))
    scaled = ours.scaled(False, pt, eta, phi, charge)
    smeared = ours.smeared(scaled, eta, layers, uniform)
    found = {"data": ours.scaled(True, pt, eta, phi, charge), "scaled": scaled, "smeared": smeared}
    expected: dict[str, list[float]] = {}
    # the file of 2022_postEE has no systematic uncertainties
    keys = ["stat", "syst"][: 1 if campaign.endswith("EE") else 2]
    for key in keys:
        for up in (True, False):
            found[f"{key} scale {up}"] = ours.scale_shifted(smeared, eta, phi, charge, up, key)
            found[f"{key} smear {up}"] = ours.smearing_shifted(scaled, smeared, eta, up, key)
    for muon, u in zip(muons, uniform.tolist(), strict=True):
        before = loop.scaled(muon, "mc")
        after = loop.smeared(muon, before, u)
        each = {"data": loop.scaled(muon, "data"), "scaled": before, "smeared": after}
        for key in keys:
            for up, sign in ((True, 1), (False, -1)):
                each[f"{key} scale {up}"] = loop.scale_shifted(muon, after, sign, key)
                each[f"{key} smear {up}"] = loop.smear_shifted(muon, before, after, sign, key)
        for name, value in each.items():
            expected.setdefault(name, []).append(value)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-12, err_msg=name)
        assert np.isfinite(values).all()
    assert np.mean(smeared != scaled) > 0.5
    # nothing is corrected out of range, and the width of the resolution is a few per cent
    outside = (pt < 26) | (pt > 200)
    assert (scaled[outside] == pt[outside]).all()
    assert 0.001 < np.std((smeared / scaled)[~outside]) < 0.05


@needs_files
def test_random_numbers_of_old_and_new_files_are_the_same(tmp_path: Path) -> None:
    content = json.loads(gzip.decompress(file_of(CAMPAIGNS[0]).read_bytes()))
    content["corrections"].append(RANDOM_SMEARING)
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps(content))
    events, sections = np.array([1, 2, 2, 3_000_000_000], dtype=np.uint64), np.array([1, 1, 2, 7], dtype=np.uint32)
    phi = np.array([0.1, 0.1, 0.1, -3], dtype=np.float32)
    both = [random_uniform(str(file), events, sections, phi) for file in (file_of(CAMPAIGNS[0]), newer)]
    assert both[0].tolist() == both[1].tolist()
    assert len(set(both[0].tolist())) == 4
    correction = correctionlib.CorrectionSet.from_file(str(newer))["RandomSmearing"]
    expected = [correction.evaluate(*map(int, pair), float(p)) for *pair, p in zip(events, sections, phi, strict=True)]
    assert both[0].tolist() == expected


def test_the_generator_has_a_flat_distribution() -> None:
    n = 20_000
    numbers = generator().evaluate(np.arange(n), np.ones(n, dtype=int), np.full(n, 0.5))
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert counts.sum() == n
    # χ² of 19 degrees of freedom
    assert np.sum((counts - n / 20) ** 2) / (n / 20) < 50


@needs_files
def test_uncertainties_that_a_file_lacks() -> None:
    with pytest.raises(ConfigError, match="the file has no numbers for the uncertainty 'syst', only NaN"):
        MuonScaleResolution.from_file(str(file_of("2022_Summer22EE"))).check_uncertainty("syst")
    for campaign in CAMPAIGNS:
        MuonScaleResolution.from_file(str(file_of(campaign))).check_uncertainty("stat")
    with pytest.raises(ConfigError, match=r"correction 'a_mc' of the scale of muons: .*other"):
        MuonScaleResolution.from_file(str(file_of(CAMPAIGNS[0]))).check_uncertainty("other")
