from __future__ import annotations

import ast
import itertools
import math
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents.methods import candidate, nanoaod

from pocket.compat.awkward_names import SLOTS, add_names, use_old_vectors
from pocket.compat.old_vectors import old_vectors
from tests.law_runner import ROOT


def test_fields_of_tuples_against_a_loop() -> None:
    add_names()
    jets = [[1.0, 2.0, 3.0], [], [4.0], [5.0, 6.0]]
    pairs = ak.combinations(ak.Array(jets), 2)
    loop = [list(itertools.combinations(event, 2)) for event in jets]
    for slot, number in (("slot0", 0), ("slot1", 1)):
        assert getattr(pairs, slot).to_list() == [[pair[number] for pair in event] for event in loop]
    assert pairs[0, 2].slot1 == 3.0
    triples = ak.cartesian([ak.Array([[1]]), ak.Array([[2]]), ak.Array([[3]])])
    assert [getattr(triples, slot).to_list() for slot in list(SLOTS)[:3]] == [[[1]], [[2]], [[3]]]
    assert [int(field) for field in SLOTS.values()] == [*range(10)]


def test_brackets_are_as_before() -> None:
    add_names()
    assert ak.Array([{"slot0": 7, "0": 8}])["slot0"].to_list() == [7]
    with pytest.raises((AttributeError, IndexError, ak.errors.FieldNotFoundError)):
        _ = ak.Array([1, 2]).slot0


def test_they_come_with_pocketcoffeas_names() -> None:
    code = """
import awkward as ak
from pocket.compat.import_names import install_import_names
pairs = ak.Array([(1, 2)])
assert not hasattr(pairs, "slot0")
install_import_names()
from pocket_coffea.lib.cut_functions import get_nObj_min
assert pairs.slot1.to_list() == [2]
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_candidates_need_no_charge() -> None:
    use_old_vectors()
    quark = {"pt": 30.0, "eta": 0.0, "phi": 1.0, "mass": 5.0}
    # Records of two forms make a union, as partons of two collections do.
    partons = ak.concatenate([ak.Array([[{**quark, "status": 1}]]), ak.Array([[{**quark, "pdgId": 5}]])], axis=1)
    named = ak.with_name(partons, "PtEtaPhiMCandidate", behavior=candidate.behavior)
    assert named.pt.to_list() == [[30, 30]]
    assert named.mass.to_list() == [[5, 5]]
    with pytest.raises(AttributeError, match="charge"):
        _ = named.charge
    with pytest.raises(ValueError, match="missing azimuthal coordinates"):
        ak.Array([{"pt": 30.0}], with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)


@pytest.mark.parametrize("kind", ["PtEtaPhiMCandidate", "PtEtaPhiMLorentzVector", "Muon", "Jet"])
def test_sums_of_missing_and_other_momenta_are_in_the_plane(kind: str) -> None:
    use_old_vectors()
    leptons = [{"pt": 30.0, "eta": 0.5, "phi": 1.0, "mass": 0.1, "charge": 1}, None]
    mets = [{"pt": 40.0, "phi": -1.0}, {"pt": 20.0, "phi": 0.5}]
    lepton = ak.Array(leptons, with_name=kind, behavior=nanoaod.behavior)
    met = ak.Array(mets, with_name="MissingET", behavior=nanoaod.behavior)
    x, y = (30 * trigonometric(1.0) + 40 * trigonometric(-1.0) for trigonometric in (math.cos, math.sin))
    for one in (met + lepton, lepton + met):
        assert one.pt.to_list() == [pytest.approx(math.hypot(x, y)), None]
        assert one.phi.to_list() == [pytest.approx(math.atan2(y, x)), None]
    assert (met - lepton).x.to_list() == [pytest.approx(10 * math.cos(1.0)), None]
    # Other sums stay as they are.
    assert (lepton + lepton).mass.to_list() == [pytest.approx(0.2, rel=1e-3), None]
    assert (met + met).pt.to_list() == pytest.approx([80, 40])


@pytest.mark.parametrize("first", ["Muon", "Jet", "GenParticle", "PtEtaPhiMCandidate", "LorentzVector"])
@pytest.mark.parametrize("second", ["PtEtaPhiMLorentzVector", "PtEtaPhiMCollection", "GenParticle", "Jet", "Electron"])
def test_vectors_of_different_kinds_have_sums(first: str, second: str) -> None:
    use_old_vectors()
    momenta = np.array([[30.0, 0.5, 1.0, 5.0], [20.0, -1.5, 2.0, 0.1]])  # pt, eta, phi, mass
    pt, eta, phi, mass = momenta.T
    components = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.hypot(pt * np.cosh(eta), mass)]
    vectors = []
    for kind, row in ((first, 0), (second, 1)):
        fields = dict(zip(("pt", "eta", "phi", "mass"), momenta[row], strict=True)) | {"charge": 1}
        if kind == "LorentzVector":
            fields = dict(zip("xyzt", (part[row] for part in components), strict=True))
        vectors.append(ak.Array([fields], with_name=kind, behavior=nanoaod.behavior))
    one, other = vectors
    assert one.dot(other).to_list() == [pytest.approx(sum(part[0] * part[1] for part in components[:3]))]
    for total, sign in ((one + other, 1), (other + one, 1), (one - other, -1)):
        for name, part in zip("xyzt", components, strict=True):
            assert getattr(total, name).to_list() == [pytest.approx(part[0] + sign * part[1])]


def test_products_keep_their_base_class_in_a_package() -> None:
    module = ast.parse("import numpy as np\nprojection = sv.dot(jet) / jet.dot(jet)\nother = np.dot(a, b)\n")
    assert old_vectors(module) == ["products by dot()"]
    assert old_vectors(ast.parse("import numpy as np\nother = np.dot(a, b)\n")) == []
