from __future__ import annotations

import pickle

import pytest

from pocket.errors import BadFileError, ConfigError, PocketError, UnknownNameError, check_known, nearest


def test_unknown_name_says_what_where_and_what_is_close() -> None:
    error = UnknownNameError("weight", "sf_mu_iso", ["pileup", "sf_mu_id"], "weights.common of 'tnp'")
    assert str(error) == "unknown weight 'sf_mu_iso' in weights.common of 'tnp', did you mean 'sf_mu_id'?"
    assert isinstance(error, ConfigError)


def test_unknown_name_lists_what_is_known_if_nothing_is_close() -> None:
    assert str(UnknownNameError("year", "x", ["2018", "2017"])) == "unknown year 'x'; known: 2017, 2018"
    assert str(UnknownNameError("year", "x", [])) == "unknown year 'x'; none is defined"
    many = str(UnknownNameError("year", "x", [f"year{number:02d}" for number in range(20)]))
    assert many.endswith("year11, …")


@pytest.mark.parametrize(
    ("name", "best"), [("muon_Pt", "Muon_pt"), ("Muon_pT", "Muon_pt"), ("Muon_tightID", "Muon_tightId")]
)
def test_nearest_ignores_case(name: str, best: str) -> None:
    assert nearest(name, ["Muon_tightId", "Muon_pt", "Jet_eta"])[0] == best


def test_nearest_keeps_apart_what_is_far() -> None:
    assert nearest("genWeight", ["pileup", "lumi"]) == []


@pytest.mark.parametrize("error", [UnknownNameError("sample", "DY", ["TT"], "x"), BadFileError("file a is truncated")])
def test_errors_survive_the_way_from_a_worker(error: PocketError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_names_are_checked_in_their_order() -> None:
    check_known("weight", ["pileup"], iter(["pileup", "lumi"]), "weights")
    with pytest.raises(UnknownNameError, match=r"^unknown weight 'pileip' in weights, did you mean 'pileup'\?$"):
        check_known("weight", ["lumi", "pileip", "x"], {"pileup": 1, "lumi": 2}, "weights")
