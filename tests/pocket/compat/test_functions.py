from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat import cuts, delayed_branches, histograms, objects, provenance, reconstruction, triggers, utilities
from pocket.compat.lepton_mva import ElectronMVAEvaluator, MuonMVAEvaluator, XGBoostEvaluator
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis
from pocket.objects import photon_selection
from pocket.parameters.used_files import recording_files
from tests.entries import check_each
from tests.pocket.correction_files import binned, write_corrections

JETS = ak.Array(
    {"Jet": ak.zip({"pt": [[50.0, 20.0], [], [30.0]]}), "ElectronGood": ak.zip({"pt": [[30.0], [10.0], []]})}
)


def test_cuts() -> None:
    assert cuts.count_objects_gt(JETS, {"object": "Jet", "value": 1}).tolist() == [True, False, False]
    assert cuts.count_objects_lt(JETS, {"object": "Jet", "value": 1}).tolist() == [False, True, False]
    assert cuts.count_objects_eq(JETS, {"object": "Jet", "value": 1}).tolist() == [False, False, True]
    above = {"coll": "Jet", "minpt": 25, "N": 1}
    assert cuts.min_nObj_minPt(JETS, above).tolist() == cuts.eq_nObj_minPt(JETS, above).tolist() == [True, False, True]
    leptons = {"coll": "ElectronGood", "N": 1, "minpt": 10}
    assert cuts.nElectron(JETS, leptons, "2018").tolist() == [True, False, False]
    with pytest.raises(UnknownNameError, match="'ElectronGood'"):
        cuts.nMuon(JETS, leptons, "2018")
    with pytest.raises(ConfigError, match="use get_nBtagMin or get_nBtagEq"):
        cuts.get_nBtag(1)


def test_photons_by_their_own_eta() -> None:
    """As PocketCoffea's ``abs(photons.eta)``, whatever NanoAOD says of their superclusters."""
    eta, in_barrel, in_endcap = [1.43, 1.45, -1.56, 1.57], [False, True, False, False], [False, False, True, False]
    columns = {"eta": [eta], "isScEtaEB": [in_barrel], "isScEtaEE": [in_endcap], "pt": [[30.0] * 4]}
    photons = ak.zip({**columns, "cutBased": [[3] * 4], "pixelSeed": [[False] * 4]})
    params = OmegaConf.create({"object_preselection": {"Photon": {"pt": 20, "eta": 2.5, "cutBased": 1}}})
    found = objects.photon_selection(ak.Array({"Photon": photons}), "Photon", params)
    assert found.eta.to_list() == [[1.43, 1.57]]
    assert photon_selection(ak.Array({"Photon": photons}), "Photon", params).eta.to_list() == [[1.45, -1.56]]


def test_triggers(caplog: pytest.LogCaptureFixture) -> None:
    events = ak.Array({"HLT": ak.zip({"IsoMu24": [True, False], "Ele32": [False, False]})})
    names = {"2018": {"SingleMuon": ["HLT_IsoMu24", "HLT_Gone"], "SingleEle": ["HLT_Ele32"]}}
    with caplog.at_level(logging.WARNING):
        found = triggers.get_trigger_mask_byprimarydataset(events, names, "2018", True)
        again = triggers.get_trigger_mask_byprimarydataset(events, names, "2018", True, ["SingleEle"], invert=True)
    assert (found.tolist(), again.tolist()) == ([True, False], [True, True])
    assert "'Gone'" in caplog.text
    assert triggers.apply_trigger_mask(events, ["IsoMu24"], "2018", invert=True).tolist() == [False, True]
    with pytest.raises(AssertionError, match="trigger_type"):
        triggers.apply_trigger_mask(events, [], "2018", trigger_type="L2")


class Builder:
    """What ak.ArrayBuilder does with lists."""

    def __init__(self) -> None:
        self.lists: list[list[Any]] = []

    def begin_list(self) -> None:
        self.lists.append([])

    def append(self, value: Any) -> None:
        self.lists[-1].append(value)

    def end_list(self) -> None:
        assert self.lists


@check_each(
    ("function", "ids", "expected"),
    [
        ("ttHbb", [21, 5, -5, 3, -4, 5, -5], [4, 3, 2, 5, 5, 1, 1]),
        ("ttHbb", [5, -5, -1, 2, 5, -5], [2, 3, 5, 5, 1, 1]),
        ("ttHbb", [5, -5, 5, -5], [2, 3, 1, 1]),
        ("ttHbb_dileptonic", [21, 5, -5, 5, -5], [4, 2, 3, 1, 1]),
        ("ttbb4F", [5, -5, 21, 5, -5, -3, 4], [1, 1, 4, 2, 3, 5, 5]),
        ("ttbb4F", [5, -5, 5, -5], [1, 1, -1, -1]),
        ("tt5F", [21, 5, -5, 1, -2], [4, 3, 2, 5, 5]),
        ("tt5F", [5, -5, 21, 21], [-1, -1, -1, -1]),
    ],
)
def test_provenance(function: str, ids: list[int], expected: list[int]) -> None:
    find = getattr(provenance, f"get_partons_provenance_{function}")
    assert find([ids, ids], Builder()).lists == [expected, expected]


def four_vectors(**fields: Any) -> ak.Array:
    from coffea.nanoevents.methods import vector

    return ak.zip(fields, with_name="PtEtaPhiMLorentzVector", behavior=vector.behavior)


def test_neutrino_gives_the_mass_of_the_w() -> None:
    lepton = four_vectors(pt=[40.0, 30.0], eta=[0.5, -1.0], phi=[0.1, 2.0], mass=[0.1056, 0.1056])
    missing = four_vectors(pt=[35.0, 300.0], eta=[0.0, 0.0], phi=[-2.4, 2.1], mass=[0.0, 0.0])
    pz = reconstruction.METzCalculator(lepton, missing)
    energy = np.hypot(np.asarray(missing.pt), pz)
    momentum = [np.asarray(getattr(lepton, name) + getattr(missing, name)) for name in ("px", "py")]
    mass2 = (np.asarray(lepton.energy) + energy) ** 2 - sum(p**2 for p in momentum) - (np.asarray(lepton.pz) + pz) ** 2
    assert np.sqrt(mass2[0]) == pytest.approx(reconstruction.W_MASS, rel=1e-4)


def test_hadronic_w() -> None:
    pts = [[80.0, 60.0, 30.0], [50.0]]
    angles = [[0.0, 1.2, 3.0], [0.0]]
    jets = four_vectors(pt=pts, eta=[[0.0] * 3, [0.0]], phi=angles, mass=[[5.0] * 3, [5.0]])
    pair, number = reconstruction.hadronic_W(jets)
    assert number.tolist() == [1, 0]
    masses = [(jets[0, first] + jets[0, second]).mass for first, second in ((0, 1), (0, 2), (1, 2))]
    assert pair[0].mass.tolist() == [min(masses, key=lambda mass: abs(mass - reconstruction.W_MASS))]


def test_scores_of_leptons() -> None:
    names = ("pt", "eta", "pfRelIso03_all", "miniPFRelIso_chg", "miniPFRelIso_all", "jetNDauCharged", "jetPtRelv2")
    fields = {name: [[float(number), 2.0], [3.0]] for number, name in enumerate(names, start=1)}
    more = ("jetRelIso", "sip3d", "dxy", "dz", "segmentComp", "mvaIso")
    fields |= {name: [[0.5, 0.1], [0.2]] for name in more}
    muons = ak.zip({**fields, "jetIdx": [[0, -1], [5]]})
    jets = ak.zip({"btagDeepFlavB": [[0.7], [0.1, 0.2]]})

    class Sum(MuonMVAEvaluator):
        flavour, last = "Muon", "segmentComp"

        def __init__(self) -> None:
            pass

        def predict(self, inputs: Any) -> Any:
            return inputs[:, 7]

    assert Sum.feature_names == MuonMVAEvaluator.feature_names
    assert MuonMVAEvaluator.feature_names[-1] == "Muon_segmentComp"
    assert ElectronMVAEvaluator.feature_names[-1] == "Electron_mvaIso"
    scores = Sum().evaluate(muons, ak.pad_none(jets, 6))
    assert ak.num(scores).tolist() == [2, 1]
    assert ak.flatten(scores).tolist() == pytest.approx([0.7, 0.0, -10.0])
    masked = Sum().evaluate(muons, jets, mask=ak.Array([[True, False], [False]]))
    assert ak.flatten(masked).tolist() == pytest.approx([0.7, -1.0, -1.0])
    with pytest.raises(NotImplementedError):
        XGBoostEvaluator.prepare_inputs(Sum(), muons, jets)


def test_missing_momentum() -> None:
    params = OmegaConf.create({"MET_xy": {"MC": {"2018": [[0.1, 1.0], [0.2, -2.0]]}}})
    events = ak.Array({"MET": ak.zip({"pt": [10.0], "phi": [0.0]}), "PV": ak.zip({"npvs": [10]})})
    pt, phi = objects.met_xy_correction(params, events, "MET", "2018", "MC")
    assert (float(pt[0]), float(phi[0])) == (8.0, 0.0)
    with pytest.raises(UnknownNameError, match="'2017'"):
        objects.met_xy_correction(params, events, "MET", "2017", "MC")
    jets = four_vectors(pt=[[50.0]], eta=[[0.0]], phi=[[0.0]], mass=[[0.0]])
    events = ak.Array({"MET": ak.zip({"px": [10.0], "py": [0.0]})})
    more = four_vectors(pt=[[60.0]], eta=[[0.0]], phi=[[0.0]], mass=[[0.0]])
    moved = objects.met_correction_after_jec(events, "MET", jets, more)
    assert (float(moved["pt"][0]), float(moved["phi"][0])) == pytest.approx((0.0, 0.0), abs=1e-6)
    with pytest.raises(ConfigError, match="list JetsCalibrator in the calibrators"):
        objects.jet_correction()


def test_a_set_of_corrections_is_read_once(tmp_path: Path) -> None:
    content = binned("sf", {"pt": [0.0, 100.0]}, lambda kind, number: 1.5, "kind")
    file = write_corrections(tmp_path / "sf.json", content)
    assert objects.load_correction_set(file)["sf"].evaluate(50.0, "nominal") == 1.5
    assert objects.load_correction_set(file) is objects.load_correction_set(file)


def test_a_set_of_corrections_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    for factor in (1.5, 2.5):
        content = binned("sf", {"pt": [0.0, 100.0]}, lambda kind, number: factor, "kind")  # noqa: B023
        file = write_corrections(tmp_path / "sf.json", content)
        # an output that used the set depends on its file, whoever has read it in this process before
        for _ in range(2):
            with recording_files() as used:
                assert objects.load_correction_set(file)["sf"].evaluate(50.0, "nominal") == factor
            assert list(used) == [file]
    with pytest.raises(ConfigError, match=r"none\.json does not exist"):
        objects.load_correction_set(str(tmp_path / "none.json"))


def test_axes_of_the_library_hist() -> None:
    axis = histograms.get_hist_axis_from_config(Axis(coll="Jet", field="pt", bins=4, start=0, stop=8, label="pt"))
    assert (axis.name, axis.size, axis.label) == ("Jet_pt", 4, "pt")
    assert histograms.get_hist_axis_from_config(Axis(field="x", bins=[0, 1, 5])).edges.tolist() == [0, 1, 5]
    assert histograms.get_hist_axis_from_config(Axis(field="x", type="int", start=0, stop=3)).size == 3
    assert list(histograms.get_hist_axis_from_config(Axis(field="x", type="intcat", bins=[4, 2]))) == [4, 2]
    assert list(histograms.get_hist_axis_from_config(Axis(field="x", type="strcat", bins=["a"]))) == ["a"]


def test_utilities() -> None:
    chunk = {"fileuuid": "u", "entrystart": 0, "entrystop": 10}
    seed = utilities.get_random_seed(chunk)
    assert seed == utilities.get_random_seed(dict(chunk))
    assert seed != utilities.get_random_seed({**chunk, "entrystop": 11})
    assert seed != utilities.get_random_seed(chunk, salt="other")
    assert [*map(utilities.to_bool, (True, " Yes "))] == [True, True]
    assert [*map(utilities.to_bool, (0, "false", "", None))] == [False, False, False, False]
    with pytest.raises(ValueError, match="'Ture'"):
        utilities.to_bool("Ture")
    lists = utilities.replace_at_indices(ak.Array([[1, 2, 3], []]), ak.Array([[2, 0], []]), [[30, 10], []], Builder())
    assert lists.lists == [[10, 2, 30], []]
    assert utilities.get_nano_version(type("Events", (), {"metadata": {"nano_version": "12"}}), None, "2022") == 12


def test_wrong_delayed_branches() -> None:
    branches = delayed_branches.DelayedEvalBranchManager()
    with pytest.raises(ConfigError, match=r"delayed branches \['a', 'b'\] have default values for \['a'\]"):
        branches.register(["a", "b"], lambda events: {}, default_value={"a": 1.0})
    branches.register("a", lambda events: np.ones((len(events), 2)))
    events = ak.Array({"x": [1.0, 2.0]})
    branches.prepare_nominal_snapshot(events)
    with pytest.raises(ConfigError, match=r"delayed branch 'a' has the shape \(2, 2\), expected \(2,\)"):
        branches.add_to(events)
    branches.registered.clear()
    branches.register("a", lambda events: ak.Array([[1], []]))
    branches.prepare_nominal_snapshot(events)
    with pytest.raises(ConfigError, match="delayed branch 'a' isn't a regular array"):
        branches.add_to(events)


def test_counts_have_the_bins_of_pocketcoffea() -> None:
    (axis,) = histograms.count_hist("JetGood")["nJetGood"].axes
    assert (axis.bins, axis.start, axis.stop) == (10, 0, 9)
    ((name, conf),) = histograms.count_hist("JetGood", stop=10, name="n").items()
    assert (name, conf.axes[0].stop) == ("n", 10)


def test_generated_leptons_against_a_loop() -> None:
    mothers = [[23, 15, 11, -1], [24, 22], []]
    codes, pts = [[11, -13, 11, 13], [-11, 13], []], [[30.0, 25.0, 40.0, 5.0], [20.0, 50.0], []]
    particles = ak.zip({"pdgId": codes, "pt": pts, "eta": [[0.5, 0.5, 3.0, 0.5], [1.0, -1.0], []]})
    particles["status"] = ak.full_like(particles.pdgId, 1)
    particles["parent"] = ak.mask(ak.zip({"pdgId": mothers}), ak.Array(mothers) != -1)
    events = ak.zip({"GenPart": particles}, depth_limit=1)
    params = OmegaConf.create({"object_preselection": {"GEN_Lep": {"eta": 2.5, "pt": 4.0}}})
    for flavour, wanted in (("Electron", {11}), ("Muon", {13}), ("Both", {11, 13})):
        expected = [
            sorted(
                (
                    particle["pt"]
                    for particle in event
                    if abs(particle["pdgId"]) in wanted
                    and abs((particle["parent"] or {"pdgId": 0})["pdgId"]) != 15
                    and abs(particle["eta"]) < 2.5
                ),
                reverse=True,
            )
            for event in particles.to_list()
        ]
        assert objects.getGenLeptons(events, flavour, params).pt.to_list() == expected
    with pytest.raises(ValueError, match="getGenLeptons has no flavour 'Tau'; known: Electron, Muon, Both"):
        objects.getGenLeptons(events, "Tau", params)


def test_triggers_that_a_file_lacks_count_as_not_fired() -> None:
    for cut in (
        triggers.get_HLTsel(),
        triggers.get_HLTsel_custom(["IsoMu24"]),
        triggers.get_L1sel(),
        triggers.get_L1sel_custom(["SingleMu22"]),
    ):
        assert cut.params["on_missing"] == "false"
    assert "on_missing" not in triggers.get_HLTsel(on_missing="error").params


def test_fields_without_a_histogram_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(histograms.jet_hists("JetGood", fields=["pt", "nothing"])) == ["JetGood_pt"]
    assert "jet_hists has no histogram of 'nothing', which is left out of fields" in caplog.text
    assert list(histograms.muon_hists(coll="MuonGood", pos=0)) == [
        f"MuonGood_{name}_1" for name in ("eta", "pt", "phi")
    ]
