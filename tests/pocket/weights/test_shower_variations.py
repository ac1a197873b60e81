from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.errors import ConfigError
from pocket.weights.shower_variations import ORDERS, PartonShowerSplit, entries_of, variation_of
from pocket.weights.theory import PartonShowerFSR, PartonShowerISR

#: the order of CMS' list (CMSSW, Pythia8PSweightsSettings_cfi), shortened
CMS = [
    "isrRedHi",
    "fsrRedHi",
    "isrRedLo",
    "fsrRedLo",
    "isrDefHi",
    "fsrDefHi",
    "isrDefLo",
    "fsrDefLo",
    "isrConHi",
    "fsrConHi",
    "isrConLo",
    "fsrConLo",
    "fsr_G2GG_muR_dn",
    "fsr_G2GG_muR_up",
    "fsr_G2QQ_muR_dn",
    "fsr_G2QQ_muR_up",
    "fsr_Q2QG_muR_dn",
    "fsr_Q2QG_muR_up",
    "fsr_X2XG_muR_dn",
    "fsr_X2XG_muR_up",
    "fsr_G2GG_cNS_dn",
    "fsr_G2GG_cNS_up",
    "fsr_G2QQ_cNS_dn",
    "fsr_G2QQ_cNS_up",
    "fsr_Q2QG_cNS_dn",
    "fsr_Q2QG_cNS_up",
    "fsr_X2XG_cNS_dn",
    "fsr_X2XG_cNS_up",
    "isr_G2GG_muR_dn",
    "isr_G2GG_muR_up",
    "isr_G2QQ_muR_dn",
    "isr_G2QQ_muR_up",
    "isr_Q2QG_muR_dn",
    "isr_Q2QG_muR_up",
    "isr_X2XG_muR_dn",
    "isr_X2XG_muR_up",
    "isr_G2GG_cNS_dn",
    "isr_G2GG_cNS_up",
    "isr_G2QQ_cNS_dn",
    "isr_G2QQ_cNS_up",
    "isr_Q2QG_cNS_dn",
    "isr_Q2QG_cNS_up",
    "isr_X2XG_cNS_dn",
    "isr_X2XG_cNS_up",
]
#: the order that Pythia gives them (as in the headers of samples of Run 3)
PYTHIA = [
    "fsr:murfac=0.707",
    "fsr:murfac=1.414",
    "fsr:murfac=0.5",
    "fsr:murfac=2.0",
    "fsr:murfac=0.25",
    "fsr:murfac=4.0",
    "fsr:g2gg:murfac=0.5",
    "fsr:g2gg:murfac=2.0",
    "fsr:g2qq:murfac=0.5",
    "fsr:g2qq:murfac=2.0",
    "fsr:q2qg:murfac=0.5",
    "fsr:q2qg:murfac=2.0",
    "fsr:x2xg:murfac=0.5",
    "fsr:x2xg:murfac=2.0",
    "fsr:g2gg:cns=-2.0",
    "fsr:g2gg:cns=2.0",
    "fsr:g2qq:cns=-2.0",
    "fsr:g2qq:cns=2.0",
    "fsr:q2qg:cns=-2.0",
    "fsr:q2qg:cns=2.0",
    "fsr:x2xg:cns=-2.0",
    "fsr:x2xg:cns=2.0",
    "isr:murfac=0.707",
    "isr:murfac=1.414",
    "isr:murfac=0.5",
    "isr:murfac=2.0",
    "isr:murfac=0.25",
    "isr:murfac=4.0",
    "isr:g2gg:murfac=0.5",
    "isr:g2gg:murfac=2.0",
    "isr:g2qq:murfac=0.5",
    "isr:g2qq:murfac=2.0",
    "isr:q2qg:murfac=0.5",
    "isr:q2qg:murfac=2.0",
    "isr:x2xg:murfac=0.5",
    "isr:x2xg:murfac=2.0",
    "isr:g2gg:cns=-2.0",
    "isr:g2gg:cns=2.0",
    "isr:g2qq:cns=-2.0",
    "isr:g2qq:cns=2.0",
    "isr:q2qg:cns=-2.0",
    "isr:q2qg:cns=2.0",
    "isr:x2xg:cns=-2.0",
    "isr:x2xg:cns=2.0",
]


def title(names: list[str], start: str = "All PS weights (w_var / w_nominal) ") -> str:
    return start + "".join(f"[{number}] {name}; " for number, name in enumerate(names))


def events(entries: int, doc: str, n: int = 10_000) -> tuple[ak.Array, Any]:
    weights = np.random.default_rng(1).normal(1, 0.2, (n, entries)).astype(np.float32)
    lists = ak.from_regular(ak.with_parameter(ak.from_numpy(weights), "__doc__", doc))
    return ak.Array({"PSWeight": lists}), weights.astype(float)


def computed(weight: Any, of: ak.Array) -> dict[str, list[float]]:
    nominal, varied = weight({}, {"sample": "TT"}).evaluate(of, len(of), "nominal")
    assert nominal.tolist() == [1.0] * len(of)
    return {name: values.tolist() for name, values in varied.items()}


@pytest.mark.parametrize("names", [CMS, PYTHIA], ids=["CMS", "Pythia"])
def test_44_entries_by_the_names_in_the_title(names: list[str]) -> None:
    of, weights = events(44, title(names))
    found = computed(PartonShowerSplit, of)
    assert len(found) == 32
    for variation, up, down in (
        ("fsr_G2GG_muR", ("fsr_G2GG_muR_dn", "fsr:g2gg:murfac=0.5"), ("fsr_G2GG_muR_up", "fsr:g2gg:murfac=2.0")),
        ("isr_X2XG_muR", ("isr_X2XG_muR_dn", "isr:x2xg:murfac=0.5"), ("isr_X2XG_muR_up", "isr:x2xg:murfac=2.0")),
        ("fsr_Q2QG_cNS", ("fsr_Q2QG_cNS_up", "fsr:q2qg:cns=2.0"), ("fsr_Q2QG_cNS_dn", "fsr:q2qg:cns=-2.0")),
        ("isr_G2QQ_cNS", ("isr_G2QQ_cNS_up", "isr:g2qq:cns=2.0"), ("isr_G2QQ_cNS_dn", "isr:g2qq:cns=-2.0")),
    ):
        for side, wanted in (("Up", up), ("Down", down)):
            (place,) = (number for number, name in enumerate(names) if name in wanted)
            assert found[f"sf_partonshower_split_{variation}{side}"] == weights[:, place].tolist()
    # the two usual sources of the same sample
    for weight, up, down in (
        (PartonShowerISR, ("isrDefHi", "isr:murfac=0.5"), ("isrDefLo", "isr:murfac=2.0")),
        (PartonShowerFSR, ("fsrDefHi", "fsr:murfac=0.5"), ("fsrDefLo", "fsr:murfac=2.0")),
    ):
        found = computed(weight, of)
        for side, wanted in (("Up", up), ("Down", down)):
            (place,) = (number for number, name in enumerate(names) if name in wanted)
            assert found[f"{weight.name}{side}"] == weights[:, place].tolist()


def test_the_orders_are_those_of_the_lists() -> None:
    assert ORDERS["cms"] == {variation_of(name): number for number, name in enumerate(CMS)}
    assert ORDERS["pythia"] == {variation_of(name): number for number, name in enumerate(PYTHIA)}
    assert all(len(order) == 44 for order in ORDERS.values())


def test_a_title_without_names_needs_the_order() -> None:
    of, weights = events(44, "All PS weights (w_var / w_nominal)", n=5)
    with pytest.raises(ConfigError, match="the title of PSWeight of sample 'TT' doesn't name its 44 entries"):
        computed(PartonShowerSplit, of)
    found = computed(PartonShowerSplit.wrap("split", order="pythia"), of)
    assert found["split_isr_G2GG_muRUp"] == weights[:, PYTHIA.index("isr:g2gg:murfac=0.5")].tolist()
    with pytest.raises(ConfigError, match="order"):
        PartonShowerSplit.wrap(order="alphabetical")


def test_four_entries_with_pythias_names_begin_with_less_radiation() -> None:
    names = ["isr:murfac=2.0", "fsr:murfac=2.0", "isr:murfac=0.5", "fsr:murfac=0.5"]
    of, weights = events(4, title(names, "PS weights (w_var / w_nominal) "), n=100)
    assert computed(PartonShowerISR, of) == {
        "sf_partonshower_isrUp": weights[:, 2].tolist(),
        "sf_partonshower_isrDown": weights[:, 0].tolist(),
    }
    assert computed(PartonShowerFSR, of)["sf_partonshower_fsrUp"] == weights[:, 3].tolist()
    # CMS' names, and titles without names, begin with more radiation
    for doc in (
        title(["isrDefHi", "fsrDefHi", "isrDefLo", "fsrDefLo"]),
        "PS weights (w_var / w_nominal);   [0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2[2] is ISR=0.5 FSR=1; [3] is ISR=1 "
        "FSR=0.5;",
        "PSWeight/F",
    ):
        of, weights = events(4, doc, n=100)
        assert computed(PartonShowerISR, of)["sf_partonshower_isrUp"] == weights[:, 0].tolist()


def test_a_missing_variation_is_named() -> None:
    of, _ = events(4, title(["isrDefHi", "fsrDefHi", "isrDefLo", "fsrDefLo"]), n=3)
    with pytest.raises(ConfigError, match=r"has 4 entries without the variation isr G2GG mur=0\.5"):
        computed(PartonShowerSplit, of)
    assert set(map(len, computed(PartonShowerSplit, of[:0]).values())) == {0}
    assert entries_of("dummy PS weight (1.0) ") == {}
