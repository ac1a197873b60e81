from __future__ import annotations

from typing import Any

import pytest

from pocket.configuration.skim import Skim
from pocket.errors import ConfigError, UnknownNameError

BRANCHES = ("run", "luminosityBlock", "event", "genWeight", "Muon_pt", "Muon_eta", "Jet_pt", "HLT_IsoMu24", "nMuon")


@pytest.mark.parametrize(
    ("keep", "drop", "kept"),
    [
        ((), (), {"Muon_pt", "Muon_eta", "Jet_pt", "HLT_IsoMu24", "nMuon"}),
        (["Muon_*"], (), {"Muon_pt", "Muon_eta"}),
        (["*_pt", "HLT_*"], ["Jet_*"], {"Muon_pt", "HLT_IsoMu24"}),
        ((), ["*"], set()),
        # branches differ in case alone, as files do not
        (["muon_*"], (), set()),
    ],
)
def test_branches_that_are_kept(keep: Any, drop: Any, kept: set[str]) -> None:
    skim = Skim(config="main", keep=keep, drop=drop)
    assert {branch for branch in BRANCHES if skim.keeps(branch)} == kept | set(BRANCHES[:4])


def test_parts_of_the_configuration() -> None:
    cuts, presel = (Skim(config="main", mode=mode).configuration_parts for mode in ("skim", "presel_any_variation"))
    assert set(presel) - set(cuts) == {"preselections", "shapes"}
    assert "variables" not in presel


def test_unknown_mode() -> None:
    with pytest.raises(UnknownNameError, match="unknown mode 'skimm' in skim of configuration 'main', did you mean"):
        Skim(config="main", mode="skimm")


def test_unknown_compression() -> None:
    with pytest.raises(UnknownNameError, match="unknown compression 'zstd' in skim of configuration 'main', did you"):
        Skim(config="main", compression="zstd")


@pytest.mark.parametrize("patterns", ["Muon_*", [1], [""]])
def test_patterns_must_be_a_list_of_texts(patterns: Any) -> None:
    with pytest.raises(ConfigError, match="keep of the skim of configuration 'main' must be a list of patterns such"):
        Skim(config="main", keep=patterns)
    with pytest.raises(ConfigError, match="drop of the skim"):
        Skim(config="main", drop=patterns)
