from __future__ import annotations

import dataclasses
import json
import math

import correctionlib
import numpy as np
import pytest

from pocket.toys.generator import generate
from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors
from tests.pocket.toys.helpers import assert_fraction


@pytest.fixture(scope="module")
def weights(config, tmp_path_factory):
    path = tmp_path_factory.mktemp("pileup") / "puWeights.json.gz"
    write_pileup_weights(path, config)
    return correctionlib.CorrectionSet.from_file(str(path))["Collisions18_UltraLegacy_goldenJSON"]


def _poisson(mean, n):
    return math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))


def test_interface(weights):
    assert [(variable.name, variable.type) for variable in weights.inputs] == [
        ("NumTrueInteractions", "real"),
        ("weights", "string"),
    ]


@pytest.mark.parametrize(("name", "mean"), [("nominal", 36.0), ("up", 36.0 * 1.046), ("down", 36.0 * 0.954)])
def test_weights_are_the_ratio_of_poissons(weights, name, mean):
    for n in (5, 20, 32, 36, 60):
        assert weights.evaluate(float(n), name) == pytest.approx(_poisson(mean, n) / _poisson(32.0, n), rel=1e-9)
    probability = np.array([_poisson(32.0, n) for n in range(100)])
    weight = weights.evaluate(np.arange(100.0), name)
    assert np.sum(probability * weight) == pytest.approx(1, abs=1e-12)
    assert np.sum(probability * weight * np.arange(100)) == pytest.approx(mean, abs=1e-6)


def test_simulation_gets_the_pileup_of_data(weights, toys):
    weight = weights.evaluate(toys["dy"]["Pileup_nTrueInt"], "nominal")
    error = np.std(weight) / np.sqrt(len(weight))
    assert abs(weight.mean() - 1) < 4 * error
    vertices, data = toys["dy"]["PV_npvs"], toys["data"]["PV_npvs"]
    mean = np.average(vertices, weights=weight)
    sigma = np.hypot(np.std(weight * (vertices - mean)) / np.sqrt(len(weight)), data.std() / np.sqrt(len(data)))
    assert abs(mean - data.mean()) < 4 * sigma
    assert abs(vertices.mean() - data.mean()) > 20 * sigma


def test_file_is_reproducible(config, tmp_path):
    for name in ("a", "b"):
        write_pileup_weights(tmp_path / name, config)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_scale_factors(config, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_scale_factors(tmp_path / name, config)
    contents = {
        "muon_Z.json.gz": [
            "NUM_TightID_DEN_TrackerMuons",
            "NUM_TightRelIso_DEN_TightIDandIPCut",
            "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight",
        ],
        "electron.json.gz": ["UL-Electron-ID-SF"],
        "btagging.json.gz": ["deepJet_shape"],
    }
    for file, names in contents.items():
        assert sorted(correctionlib.CorrectionSet.from_file(str(tmp_path / "a" / file))) == sorted(names)
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_golden_json(config, toys, tmp_path):
    # compiles for three seconds
    from coffea.lumi_tools import LumiMask

    path = tmp_path / "golden.json"
    write_golden_json(path, config)
    mask = LumiMask(str(path))(toys["data"]["run"], toys["data"]["luminosityBlock"])
    assert_fraction(mask, 1 / 1.02)
    assert json.loads(path.read_text())["315257"] == [[1, 88], [91, 92]]
    assert "315264" not in json.loads(path.read_text())


def test_uncertified_fraction_is_on_top_of_the_luminosity(config, tmp_path):
    from coffea.lumi_tools import LumiMask

    more = dataclasses.replace(config, data=dataclasses.replace(config.data, uncertified=0.5))
    write_golden_json(tmp_path / "golden.json", more)
    events = generate("data", 3000, more, part=0)
    mask = LumiMask(str(tmp_path / "golden.json"))(events["run"], events["luminosityBlock"])
    assert_fraction(mask, 2 / 3)
