"""Soft-drop mass, jet by jet in plain Python."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.calibrators import SoftdropMassCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.calibrators.smearing import normal_numbers
from pocket.calibrators.softdrop_mass import generated_mass
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.correction_files import write_corrections

METADATA = {"year": "2018", "isMC": True}
#: of https://twiki.cern.ch/twiki/bin/view/CMS/JetWtagging for 2017
SCALE = {"nominal": 0.982, "up": 0.986, "down": 0.978}
RESOLUTION = {"nominal": 1.09, "up": 1.14, "down": 1.04}
TABLE = {"scale": SCALE, "resolution": RESOLUTION, "relative_resolution": 0.12}


def parameters(**table: Any) -> dict[str, Any]:
    return {"softdrop_mass": {"2018": table}, "jets_calibration": {"smearing_seed": 3}}


def records(rng: np.random.Generator, counts: Any, **columns: Any) -> ak.Array:
    n = int(counts.sum())
    arrays = {
        "pt": rng.uniform(20, 500, n),
        "eta": rng.uniform(-2.5, 2.5, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "mass": rng.uniform(0, 30, n),
        **{name: values(n) for name, values in columns.items()},
    }
    return ak.unflatten(ak.zip({name: np.asarray(values, dtype=np.float32) for name, values in arrays.items()}), counts)


def generated(n_events: int = 4000) -> ak.Array:
    """Return events with jets of which most lie near a generated jet, whose subjets are near it or not."""
    rng = np.random.default_rng(11)
    counts = rng.integers(0, 6, n_events)
    gen = records(rng, counts)
    n = int(counts.sum())
    near = ak.flatten(gen)
    jets = {
        "pt": near.pt * rng.normal(1, 0.1, n),
        "eta": near.eta + rng.normal(0, 0.25, n),
        "phi": np.remainder(near.phi + rng.normal(0, 0.25, n) + np.pi, 2 * np.pi) - np.pi,
        "msoftdrop": np.where(rng.random(n) < 0.1, -1.0, rng.uniform(0.5, 200, n)),
    }
    position = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    link = np.where(rng.random(n) < 0.9, position, rng.choice([-1, 7], n)).astype(np.int16)
    fat = ak.zip(
        {**{name: np.asarray(values, dtype=np.float32) for name, values in jets.items()}, "genJetAK8Idx": link}
    )
    sub_counts = rng.integers(0, 7, n_events) * (counts > 0)
    of_jet = np.repeat(np.cumsum(counts) - counts, sub_counts)
    subjets = ak.flatten(records(rng, sub_counts))
    eta, phi = (np.asarray(near[name])[of_jet] + rng.normal(0, 0.5, len(of_jet)) for name in ("eta", "phi"))
    phi = np.remainder(phi + np.pi, 2 * np.pi) - np.pi
    moved = {"pt": subjets.pt, "eta": eta.astype(np.float32), "phi": phi.astype(np.float32), "mass": subjets.mass}
    columns = {
        "run": np.ones(n_events, dtype=np.uint32),
        "luminosityBlock": rng.integers(1, 100, n_events),
        "event": np.arange(n_events),
        "FatJet": ak.unflatten(fat, counts),
        "GenJetAK8": gen,
        "SubGenJetAK8": ak.unflatten(ak.zip(moved), sub_counts),
    }
    return ak.zip(columns, depth_limit=1)


def distance(one: dict[str, float], other: dict[str, float]) -> float:
    return math.hypot(one["eta"] - other["eta"], math.remainder(one["phi"] - other["phi"], 2 * math.pi))


def gen_mass(jet: dict[str, Any], gen: list[dict[str, float]], subjets: list[dict[str, float]]) -> float:
    if not 0 <= jet["genJetAK8Idx"] < len(gen):
        return 0.0
    own = gen[jet["genJetAK8Idx"]]
    near = sorted((one for one in subjets if distance(own, one) < 0.8), key=lambda one: -one["pt"])[:2]
    if distance(jet, own) >= 0.4 or len(near) < 2:
        return 0.0
    total = np.zeros(4)
    for one in near:
        x, y, z = one["pt"] * math.cos(one["phi"]), one["pt"] * math.sin(one["phi"]), one["pt"] * math.sinh(one["eta"])
        total += [math.sqrt(x * x + y * y + z * z + one["mass"] ** 2), x, y, z]
    return math.sqrt(max(total[0] ** 2 - sum(total[1:] ** 2), 0))


def test_scale_and_resolution_jet_by_jet() -> None:
    events = generated()
    jets, gen, subjets = (ak.to_list(events[name]) for name in ("FatJet", "GenJetAK8", "SubGenJetAK8"))
    assert sum(map(len, jets)) >= 9_500
    masses = [gen_mass(jet, gen[i], subjets[i]) for i, in_event in enumerate(jets) for jet in in_event]
    found_masses = generated_mass(events, events.FatJet)
    np.testing.assert_allclose(found_masses, masses, rtol=1e-6, atol=1e-4)
    assert 1000 < sum(mass > 0 for mass in masses) < 7000
    normal = normal_numbers(-4, events, events.FatJet)
    chain = CalibratorSequence([SoftdropMassCalibrator], parameters(**TABLE), METADATA, [SoftdropMassCalibrator.name])
    names = ("FatJet_JMSUp", "FatJet_JMSDown", "FatJet_JMRUp", "FatJet_JMRDown")
    assert chain.variations == names
    for variation in ("nominal", *names):
        side = "up" if variation.endswith("Up") else "down"
        scale = SCALE[side if "JMS" in variation else "nominal"]
        s = RESOLUTION[side if "JMR" in variation else "nominal"]
        expected = []
        for mass, generated_one, number in zip(
            ak.flatten(events.FatJet.msoftdrop).to_list(), found_masses.tolist(), normal.tolist(), strict=True
        ):
            if mass <= 0:
                expected.append(mass)
            elif generated_one > 0:
                expected.append(max(mass + (s - 1) * (mass - generated_one), 0.01) * scale)
            else:
                expected.append(max(mass * (1 + number * 0.12 * math.sqrt(s * s - 1)), 0.01) * scale)
        calibrated = chain.calibrate(events, variation)
        np.testing.assert_allclose(ak.flatten(calibrated.events.FatJet.msoftdrop), expected, rtol=2.0**-22)
        assert calibrated.changed == (set() if variation == "nominal" else {"FatJet"})
    backwards = chain.calibrate(events[::-1]).events.FatJet.msoftdrop
    assert backwards.to_list() == chain.calibrate(events).events.FatJet.msoftdrop[::-1].to_list()


def test_corrections_of_a_file(tmp_path: Path) -> None:
    def correction(name: str, values: dict[str, float]) -> cs.Correction:
        def bins(value: float) -> cs.MultiBinning:
            return cs.MultiBinning(
                nodetype="multibinning",
                inputs=["eta", "pt"],
                edges=[[-2.5, 0, 2.5], [200, 300, 1000]],
                content=[value, value + 0.01, value + 0.02, value + 0.03],
                flow="error",
            )

        return cs.Correction(
            name=name,
            version=1,
            inputs=[
                *(cs.Variable(name=variable, type="real") for variable in ("eta", "pt")),
                cs.Variable(name="systematic", type="string"),
            ],
            output=cs.Variable(name="factor", type="real"),
            data=cs.Category(
                nodetype="category",
                input="systematic",
                content=[cs.CategoryItem(key=key, value=bins(value)) for key, value in values.items()],
            ),
        )

    file = write_corrections(tmp_path / "jmar.json", correction("JMS", {"nom": 1.0, "up": 1.1, "down": 0.9}))
    params = parameters(scale={"file": file, "name": "JMS"})
    chain = CalibratorSequence([SoftdropMassCalibrator], params, METADATA, [SoftdropMassCalibrator.name])
    assert chain.variations == ("FatJet_JMSUp", "FatJet_JMSDown")
    assert chain.calibrators[0].corrections() == [(file, "JMS")]
    jets = {"pt": [250.0, 500.0, 100.0], "eta": [-1.0, 1.0, 1.0], "phi": [0.0] * 3, "msoftdrop": [100.0] * 3}
    events = ak.zip({"FatJet": ak.zip({name: [values] for name, values in jets.items()})}, depth_limit=1)
    for variation, first in (("nominal", 1.0), ("FatJet_JMSUp", 1.1), ("FatJet_JMSDown", 0.9)):
        found = chain.calibrate(events, variation).events.FatJet.msoftdrop
        assert found.to_list() == [pytest.approx([100 * first, 100 * (first + 0.03), 100 * (first + 0.02)])]


def test_data_keep_their_mass() -> None:
    data = {"year": "2018", "isMC": False, "era": "A"}
    chain = CalibratorSequence([SoftdropMassCalibrator], parameters(**TABLE), data)
    events = generated(50)
    assert chain.calibrate(events).events.FatJet.msoftdrop.to_list() == events.FatJet.msoftdrop.to_list()


def test_mistakes() -> None:
    table = copy.deepcopy(TABLE)
    for wrong, error, sentence in (
        ({}, ConfigError, r"softdrop_mass\.2018 has no subjets, no scale and no resolution: give at least one"),
        ({"scales": SCALE}, UnknownNameError, r"unknown key 'scales' in softdrop_mass\.2018, did you mean 'scale'"),
        ({"scale": {"nominal": 1.0}}, ConfigError, r"softdrop_mass\.2018\.scale has no up and no down: give nominal"),
        ({"scale": {"file": "x"}}, UnknownNameError, "unknown parameter 'name'"),
    ):
        with pytest.raises(error, match=sentence):
            SoftdropMassCalibrator(parameters(**wrong), METADATA)
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2017' in softdrop_mass"):
        SoftdropMassCalibrator(parameters(**table), {"year": "2017", "isMC": True})
