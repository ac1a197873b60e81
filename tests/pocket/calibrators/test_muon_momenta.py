"""Calibrators of the momenta of muons, in all years that the parameters have."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory
from omegaconf import OmegaConf

from pocket import Configurator, process
from pocket.calibrators import METCalibrator, MuonsRochesterCalibrator, MuonsScaleResolutionCalibrator
from pocket.calibrators.base import Calibrator
from pocket.calibrators.muon_momenta import generated_pt
from pocket.calibrators.muon_scale_resolution import generator
from pocket.calibrators.rochester import RochesterCorrections
from pocket.calibrators.sequence import CalibratorSequence
from pocket.calibrators.smearing import uniform_numbers
from pocket.cuts import passthrough
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms import Axis, HistConf
from pocket.io.nanoaod.schema import Schema
from pocket.parameters.defaults import get_default_parameters
from pocket.plan.workflow import BaseProcessorABC
from tests.group_files import ROOT, group_files, needs_files
from tests.pocket.calibrators.muon_events import flat_pt, muon_events, rows
from tests.pocket.calibrators.test_muon_scale_resolution import Loop
from tests.real_files import real_file

BOTH: list[type[Calibrator]] = [MuonsRochesterCalibrator, MuonsScaleResolutionCalibrator]
RUN_2 = {"2016_PreVFP": "2016a", "2016_PostVFP": "2016b", "2017": "2017", "2018": "2018"}
RUN_3 = {
    "2022_preEE": "2022_Summer22",
    "2022_postEE": "2022_Summer22EE",
    "2023_preBPix": "2023_Summer23",
    "2023_postBPix": "2023_Summer23BPix",
}
ROCHESTER = [
    f"muon_roccor_{source}{side}" for source in ("stat", "Zpt", "Ewk", "deltaM", "Ewk2") for side in ("Up", "Down")
]
__all__ = ["group_files"]


def sequence(year: str, is_mc: bool = True, params: Any = None) -> CalibratorSequence:
    metadata = {"year": year, "isMC": is_mc}
    chosen = CalibratorSequence(BOTH, params or get_default_parameters(), metadata, [cls.name for cls in BOTH])
    for calibrator in chosen.calibrators:
        calibrator.corrections()
    return chosen


def calibrated(chain: CalibratorSequence, events: Any) -> dict[str, Any]:
    """Return pt of all muons in all variations."""
    chain.initialize(events)
    names = ("nominal", *chain.variations)
    return {name: flat_pt({"Muon.pt": chain.calibrate(events, name).events.Muon.pt}) for name in names}


@needs_files
@pytest.mark.parametrize("year", RUN_2)
def test_rochester_corrections(year: str, group_files: Path) -> None:
    """The corrections themselves are tested in test_rochester; here is which one each muon gets."""
    events = muon_events(5200)
    muons = rows(events)
    assert len(muons) >= 10_000
    columns = {name: np.array([muon[name] for muon in muons], dtype=np.float64) for name in muons[0]}
    place = [columns[name] for name in ("charge", "pt", "eta", "phi")]
    corrections = RochesterCorrections.from_file(str(ROOT / "roccor" / f"RoccoR{RUN_2[year]}UL.txt"))
    gen, layers = columns["gen_pt"], columns["nTrackerLayers"].astype(int)
    uniform = uniform_numbers(1, events, events.Muon)
    (linked,), (others,) = (gen > 0).nonzero(), (gen == 0).nonzero()
    of_linked, of_others = (corrections.muons(*(each[which] for each in place)) for which in (linked, others))

    def factor(error_set: int, number: int) -> Any:
        factors = np.zeros(len(gen))
        factors[linked] = of_linked.spread(gen[linked], error_set, number)
        factors[others] = of_others.smear(layers[others], uniform[others], error_set, number)
        return factors

    found = calibrated(sequence(year), events)
    assert list(found) == ["nominal", *ROCHESTER]
    nominal, default = found.pop("nominal"), factor(0, 0)
    # a correction near the pole of kSmearMC isn't applied
    usual = (default > 0.1) & (default < 2)
    assert usual.mean() > 0.999
    np.testing.assert_allclose(nominal, columns["pt"] * np.where(usual, default, 1), rtol=1e-7)
    squares = sum((factor(1, number) - default) ** 2 for number in range(100)) / 100
    shifts = {"stat": np.sqrt(squares)}
    shifts |= {name: factor(2 + number, 0) - default for number, name in enumerate(("Zpt", "Ewk", "deltaM", "Ewk2"))}
    for name, pt in found.items():
        sign = 1 if name.endswith("Up") else -1
        source = name.removeprefix("muon_roccor_").removesuffix("Up").removesuffix("Down")
        varied = columns["pt"] * (default + sign * shifts[source])
        expected = np.where((varied > 2 * nominal) | (varied < 0.1 * nominal), nominal, varied)
        np.testing.assert_allclose(pt, expected, rtol=3e-7, err_msg=name)
        assert np.isfinite(pt).all()
        assert (pt > 0).all()
    of_data = calibrated(sequence(year, is_mc=False), events)
    assert list(of_data) == ["nominal"]
    np.testing.assert_allclose(of_data["nominal"], columns["pt"] * corrections.muons(*place).of_data(), rtol=1e-7)


@needs_files
@pytest.mark.parametrize("year", RUN_3)
def test_scale_and_resolution(year: str, group_files: Path) -> None:
    """A sample of the muons against the plain loop of test_muon_scale_resolution, which has all of them."""
    events = muon_events(5200)
    found = calibrated(sequence(year), events)
    names = [
        f"muon_{kind}_{key}{side}" for key in ("stat", "syst") for kind in ("scale", "smear") for side in ("Up", "Down")
    ]
    assert list(found) == ["nominal", *names[: 4 if year == "2022_postEE" else 8]]
    loop, muons = Loop(ROOT / "POG" / "MUO" / RUN_3[year] / "muon_scalesmearing.json.gz"), rows(events)
    for number in range(0, len(muons), 17):
        muon = muons[number]
        u = generator().evaluate(muon["event"], muon["luminosityBlock"], muon["phi"])
        before = loop.scaled(muon, "mc")
        after = loop.smeared(muon, before, u)
        assert found["nominal"][number] == pytest.approx(after, rel=1e-7)
        for name in found:
            if name != "nominal":
                kind, key = name.removesuffix("Up").removesuffix("Down").split("_")[1:]
                sign = 1 if name.endswith("Up") else -1
                expected = (
                    loop.scale_shifted(muon, after, sign, key)
                    if kind == "scale"
                    else loop.smear_shifted(muon, before, after, sign, key)
                )
                assert found[name][number] == pytest.approx(expected, rel=1e-7), name
    of_data = calibrated(sequence(year, is_mc=False), events)
    assert list(of_data) == ["nominal"]
    expected = [loop.scaled(muon, "data") for muon in muons[::17]]
    np.testing.assert_allclose(of_data["nominal"][::17], expected, rtol=1e-7)
    assert all(np.isfinite(pt).all() for pt in found.values())


@needs_files
@pytest.mark.parametrize("year", ["2018", "2023_preBPix"])
def test_numbers_do_not_depend_on_chunks_or_order(year: str, group_files: Path) -> None:
    events = muon_events(600, seed=3)
    chain = sequence(year)
    whole = calibrated(chain, events)
    parts = [calibrated(chain, events[start:stop]) for start, stop in ((0, 1), (1, 400), (400, 600))]
    order = np.random.default_rng(1).permutation(len(events))
    shuffled = calibrated(sequence(year), events[order])
    counts = ak.num(events.Muon)
    for name, pt in whole.items():
        assert np.concatenate([part[name] for part in parts]).tolist() == pt.tolist()
        assert ak.flatten(ak.unflatten(pt, counts)[order]).tolist() == shuffled[name].tolist()


@needs_files
def test_no_muons(group_files: Path) -> None:
    events = muon_events(40)
    none = events[ak.num(events.Muon) == 0]
    for year in ("2018", "2022_preEE"):
        assert all(len(pt) == 0 for pt in calibrated(sequence(year), none).values())


def test_years_in_which_muons_are_not_calibrated() -> None:
    params = get_default_parameters()
    for year, cls in (("2022_preEE", MuonsRochesterCalibrator), ("2018", MuonsScaleResolutionCalibrator)):
        calibrator = cls(params, {"year": year, "isMC": True})
        assert (calibrator.variations, calibrator.calibrated_collections, calibrator.corrections()) == ((), (), ())
        assert calibrator.calibrate(muon_events(3), {}, "nominal") == {}


def changed(**of_muons: Any) -> Any:
    return OmegaConf.merge(get_default_parameters(), {"lepton_scale_factors": {"muon_sf": of_muons}})


@needs_files
def test_all_errors_together(group_files: Path) -> None:
    events = muon_events(200)
    found = calibrated(sequence("2018", params=changed(rochester={"variations": ["total"]})), events)
    assert list(found) == ["nominal", "muon_roccorUp", "muon_roccorDown"]
    separate = calibrated(sequence("2018"), events)
    # of linked muons, whose correction has no pole
    linked = np.array([muon["gen_pt"] > 0 for muon in rows(events)])
    found, separate = ({name: pt[linked] for name, pt in each.items()} for each in (found, separate))
    shifts = [separate[name] - separate["nominal"] for name in ROCHESTER if name.endswith("Up")]
    total = np.sqrt(np.sum(np.square(shifts), axis=0))
    # differences of numbers in single precision
    np.testing.assert_allclose(found["muon_roccorUp"] - found["nominal"], total, atol=2e-6 * found["nominal"].max())


@needs_files
def test_seeds_give_other_numbers(group_files: Path) -> None:
    events = muon_events(200)
    first, second = (
        calibrated(sequence("2018", params=changed(rochester={"smearing_seed": seed, "variations": []})), events)
        for seed in (1, 2)
    )
    unmatched = np.array([muon["gen_pt"] == 0 for muon in rows(events)])
    different = first["nominal"] != second["nominal"]
    assert not different[~unmatched].any()
    assert different[unmatched].mean() > 0.8


@needs_files
def test_mistakes_are_known_when_a_configuration_is_loaded(group_files: Path) -> None:
    params = changed(rochester={"variations": ["Zpt", "Ekw"]})
    with pytest.raises(UnknownNameError, match=r"'Ekw' in lepton_scale_factors\.muon_sf\.rochester\.variations.*'Ewk'"):
        sequence("2018", params=params)
    params = changed(scale_and_resolution={"variations": {"2022_postEE": ["syst"]}})
    with pytest.raises(
        ConfigError, match=r"muon_scalesmearing\.json\.gz: the file has no numbers .*; leave 'syst' out of lepton_scale"
    ):
        sequence("2022_postEE", params=params)
    params = changed(scale_and_resolution={"variations": {"2022_preEE": ["total"]}})
    with pytest.raises(UnknownNameError, match=r"unknown uncertainty 'total' in .*2022_preEE; known: stat, syst"):
        sequence("2022_preEE", params=params)


def test_files_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    chain = sequence("2018")
    with pytest.raises(ConfigError, match=r"roccor/RoccoR2018UL\.txt doesn't exist, nor with \.gz: copy it from https"):
        calibrated(chain, muon_events(3))
    with pytest.raises(ConfigError, match="muon_scalesmearing"):
        calibrated(sequence("2022_preEE"), muon_events(3))
    (tmp_path / "roccor").mkdir()
    (tmp_path / "roccor" / "RoccoR2018UL.txt.gz").write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(ConfigError, match="has no Rochester corrections"):
        sequence("2018")


def test_generated_muons() -> None:
    muons = ak.Array([[{"genPartIdx": 1}, {"genPartIdx": -1}], [], [{"genPartIdx": 0}, {"genPartIdx": 7}]])
    gen = ak.Array([[{"pt": 1.0}, {"pt": 2.0}], [{"pt": 3.0}], [{"pt": 4.0}]])
    assert generated_pt(ak.Array({"GenPart": gen, "Muon": muons}), muons).tolist() == [2, 0, 4, 0]


@needs_files
@pytest.mark.parametrize("collections", [None, [], ["Muon"]])
def test_missing_momentum_follows_muons_if_asked(collections: list[str] | None, group_files: Path) -> None:
    events = muon_events(300)
    rng = np.random.default_rng(1)
    for name in ("PuppiMET", "RawPuppiMET"):
        met = {"pt": rng.uniform(0, 100, len(events)), "phi": rng.uniform(-np.pi, np.pi, len(events))}
        events[name] = ak.zip(met)
    more = {} if collections is None else {"leptons": collections}
    # without jets: they are tested elsewhere
    of_year = {"apply_MC": False, "apply_data": False, **more}
    params = OmegaConf.merge(get_default_parameters(), {"met_calibration": {"2022_preEE": of_year}})
    classes = [MuonsScaleResolutionCalibrator, METCalibrator]
    requested = ["muons_scale_and_resolution"]
    chain = CalibratorSequence(classes, params, {"year": "2022_preEE", "isMC": True}, requested)
    chain.initialize(events)
    for variation in ("nominal", *chain.variations):
        found = chain.calibrate(events, variation)
        assert ("PuppiMET" in found.changed) == (variation != "nominal" and bool(collections))
        if not collections:
            assert found.events.PuppiMET.pt.tolist() == events.PuppiMET.pt.tolist()
            continue
        pairs = zip(ak.to_list(events), ak.to_list(found.events), strict=True)
        for before, after in pairs:
            x, y = (before["PuppiMET"]["pt"] * part(before["PuppiMET"]["phi"]) for part in (math.cos, math.sin))
            for old, new in zip(before["Muon"], after["Muon"], strict=True):
                if old["isPFcand"]:
                    x -= (new["pt"] - old["pt"]) * math.cos(old["phi"])
                    y -= (new["pt"] - old["pt"]) * math.sin(old["phi"])
            assert after["PuppiMET"]["pt"] == pytest.approx(math.hypot(x, y), rel=1e-6, abs=1e-6)
            assert abs(math.remainder(after["PuppiMET"]["phi"] - math.atan2(y, x), 2 * math.pi)) < 1e-6


class AllMuons(BaseProcessorABC):
    """Workflow without a selection."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""

    def count_objects(self, variation: str) -> None:
        """Count nothing."""


@pytest.mark.slow
@needs_files
@pytest.mark.parametrize("year", ["2018", "2022_preEE"])
def test_templates_of_both_runs(year: str, group_files: Path, tmp_path: Path) -> None:
    """The engine gives calibrators all parameters that they read, and fills their variations."""
    file, name = str(real_file("nano_tt_v12.root")), f"TT_{year}"
    files = [{"paths": [file], "metadata": {"year": year, "isMC": True, "xsec": 1.0}}]
    (tmp_path / "definitions.json").write_text(json.dumps({"TT": {"sample": "TT", "files": files}}))
    config = Configurator(
        parameters=get_default_parameters(),
        datasets={"jsons": [str(tmp_path / "definitions.json")]},
        workflow=AllMuons,
        categories={"all": [passthrough]},
        variables={"pt": HistConf([Axis(coll="Muon", field="pt", bins=40, start=0, stop=200)])},
        calibrators=BOTH,
        variations={"shape": {"common": {"inclusive": [cls.name for cls in BOTH]}}},
    )
    found = process(config, {name: file}, chunk_size=70).histograms["pt"]
    events = NanoEventsFactory.from_root({file: "Events"}, schemaclass=Schema, mode="eager").events()
    expected = calibrated(sequence(year), events)
    assert list(found.axes["variation"]) == list(expected)
    assert len(expected) in (11, 9)
    for variation, pt in expected.items():
        values = found["TT", "all", variation, :].values()
        assert values.tolist() == np.histogram(pt.astype(np.float32), 40, (0, 200))[0].tolist()
