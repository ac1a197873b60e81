from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest

from pocket.errors import ConfigError, HistogramError, MissingBranchError, UnknownNameError
from pocket.weights.stitching import StitchedSample, Stitching
from pocket.weights.stitching_closure import stitching_closure

#: mean of the exponential spectrum in GeV, and its inclusive cross section in pb
MEAN, XSEC = 60.0, 1000.0
EDGES = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 200.0, 230.0, 260.0, 300.0]


def fraction(low: float, high: float) -> float:
    return float(np.exp(-low / MEAN) - np.exp(-high / MEAN))


def declared(**events: float) -> Stitching:
    regions: dict[str, tuple[float, float | None]] = {"HT100": (100, 200), "HT200": (200, None)}
    sizes = {"inclusive": 40_000.0, "HT100": 30_000.0, "HT200": 20_000.0} | events
    return Stitching(
        "stitch",
        [
            StitchedSample("inclusive", XSEC, sizes["inclusive"]),
            *(
                StitchedSample(name, XSEC * fraction(low, high or np.inf), sizes[name], {"LHE.HT": (low, high)})
                for name, (low, high) in regions.items()
            ),
        ],
    )


def spectrum(name: str, size: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return generated values of a sample, exponential within its region."""
    low, high = {"inclusive": (0.0, np.inf), "HT100": (100.0, 200.0), "HT200": (200.0, np.inf)}[name]
    uniform = np.random.default_rng(seed).uniform(np.exp(-high / MEAN), np.exp(-low / MEAN), size)
    return np.maximum(-MEAN * np.log(uniform), low)


def events_of(values: Any) -> ak.Array:
    return ak.Array({"LHE": ak.zip({"HT": values})})


def templates(
    stitching: Stitching, scale: dict[str, float] | None = None, edges: Sequence[float] = EDGES
) -> dict[str, Any]:
    """Return the stitched template of each sample in pb, as the engine and the normalisation fill it."""
    found = {}
    for seed, sample in enumerate(stitching.samples):
        size = int(sample.events)  # type: ignore[arg-type]
        values = spectrum(sample.sample, size, seed)
        weights = stitching.weights(events_of(values), size, sample.sample, "2018")
        h = hist.Hist(hist.axis.Variable(edges, name="ht"), storage="weight")
        factor = (scale or {}).get(sample.sample, 1.0)
        found[sample.sample] = h.fill(values, weight=weights * sample.xsec * factor / size)
    return found


def test_weights_against_a_loop_over_events() -> None:
    stitching = declared()
    luminosities = {
        "inclusive": (40_000 / XSEC, 0.0, np.inf),
        "HT100": (30_000 / (XSEC * fraction(100, 200)), 100.0, 200.0),
        "HT200": (20_000 / (XSEC * fraction(200, np.inf)), 200.0, np.inf),
    }
    for seed, name in enumerate(luminosities):
        values = spectrum(name, 10_000, seed)
        values[:4] = {"inclusive": [0, 100, 200, 1e5], "HT100": [100, 199.9, 150, 100], "HT200": [200] * 4}[name]
        found = stitching.weights(events_of(values), 10_000, name, "2018")
        own = luminosities[name][0]
        expected = [own / sum(L for L, low, high in luminosities.values() if low <= value < high) for value in values]
        assert np.allclose(found, expected, rtol=1e-14, atol=0)
        assert found.min() > 0


def test_the_stitched_spectrum_is_the_inclusive_one() -> None:
    stitching = declared()
    found = templates(stitching)
    total: Any = sum(found.values())
    for low, high, value, variance in zip(EDGES, EDGES[1:], total.values(), total.variances(), strict=False):
        assert abs(value - XSEC * fraction(low, high)) < 4.5 * np.sqrt(variance)
    # the samples of single regions make it more precise
    alone = XSEC * fraction(200, np.inf) / np.sqrt(40_000 * fraction(200, np.inf))
    assert np.sqrt(total.variances(flow=True)[10:].sum()) < alone / 3

    closure = stitching_closure(stitching, found, "2018")
    assert closure, str(closure)
    said = [check.what for check in closure.checks]
    assert said == [
        "cross section of HT100 against that of inclusive in pb, LHE.HT from 100 to 200",
        "cross section of HT200 against that of inclusive in pb, LHE.HT from 200 on",
        "stitched cross section in the region of inclusive in pb",
        "stitched cross section in the region of HT100 in pb",
        "stitched cross section in the region of HT200 in pb",
        "step at LHE.HT = 100",
        "step at LHE.HT = 200",
    ]
    # the estimate of each sample alone, by hand
    alone_100 = found["HT100"].values().sum() * (1 + 40 / (30_000 / (XSEC * fraction(100, 200))))
    assert closure.checks[0].value == pytest.approx(alone_100, rel=1e-12)
    assert closure.checks[2].value == pytest.approx(total.sum(flow=True).value, rel=1e-12)


def test_templates_with_a_luminosity() -> None:
    stitching = declared()
    found = templates(stitching)
    scaled = {name: each * 59830.0 for name, each in found.items()}
    for one, other in zip(
        stitching_closure(stitching, found, "2018").checks,
        stitching_closure(stitching, scaled, "2018", lumi=59830.0).checks,
        strict=True,
    ):
        assert other.value == pytest.approx(one.value, rel=1e-12)
        assert other.error == pytest.approx(one.error, rel=1e-9)


def test_bins_up_to_infinity_are_bins_beyond_the_axis() -> None:
    stitching = declared()
    finite = stitching_closure(stitching, templates(stitching), "2018")
    infinite = stitching_closure(stitching, templates(stitching, edges=[-np.inf, *EDGES, np.inf]), "2018")
    assert infinite.checks == finite.checks


@pytest.mark.parametrize("scale", [0.8, 1.3])
def test_a_wrong_cross_section_doesnt_close(scale: float) -> None:
    stitching = declared()
    closure = stitching_closure(stitching, templates(stitching, {"HT100": scale}), "2018")
    assert not closure
    failed = [check.what for check in closure.failed]
    assert "cross section of HT100 against that of inclusive in pb, LHE.HT from 100 to 200" in failed
    assert "step at LHE.HT = 100" in failed
    assert "FAILS " in str(closure)
    assert "holds " in str(closure)


def test_a_sample_that_is_counted_twice_makes_a_step() -> None:
    stitching = declared()
    found = templates(stitching)
    # without the weights, events of both samples count fully
    for sample in stitching.samples:
        values = spectrum(sample.sample, int(sample.events), 9)  # type: ignore[arg-type]
        found[sample.sample].reset().fill(values, weight=sample.xsec / len(values))
    failed = [check.what for check in stitching_closure(stitching, found, "2018").failed]
    assert {"step at LHE.HT = 100", "stitched cross section in the region of inclusive in pb"} <= set(failed)


def test_exclusive_samples_alone() -> None:
    stitching = Stitching(
        "jets",
        [
            StitchedSample("0J", 600.0, 1e5, {"LHE.Njets": (0, 1)}),
            StitchedSample("1J", 300.0, 1e5, {"LHE.Njets": (1, 2)}),
            StitchedSample("2J", 100.0, {"2017": 2e5, "2018": 1e5}, {"LHE.Njets": (2, None)}),
        ],
    )
    events = ak.Array({"LHE": ak.zip({"Njets": [1, 1, 0, 3]})})
    # an event outside of its sample's region belongs to another sample
    assert stitching.weights(events, 4, "1J", "2018").tolist() == [1, 1, 0, 0]
    assert stitching.weights(events, 4, "2J", "2017").tolist() == [0, 0, 0, 1]


def test_regions_of_two_quantities() -> None:
    stitching = Stitching(
        "two",
        [
            StitchedSample("inclusive", 100.0, 1000.0),
            StitchedSample("HT", 10.0, 1000.0, {"LHE.HT": (100, None)}),
            StitchedSample("2J_HT", 2.0, 1000.0, {"LHE.HT": (100, None), "LHE.Njets": (2, 3)}),
        ],
    )
    events = ak.Array({"LHE": ak.zip({"HT": [50.0, 150.0, 150.0], "Njets": [2, 1, 2]})})
    assert np.allclose(stitching.weights(events, 3, "inclusive", "x"), [1, 10 / 110, 10 / 610], rtol=1e-15)
    with pytest.raises(HistogramError, match=re.escape("regions in one quantity, not LHE.HT, LHE.Njets")):
        stitching_closure(stitching, {}, "x")


def test_the_weight_class() -> None:
    stitching = declared()
    cls = stitching.weight()
    events = events_of([150.0, 20.0])
    metadata = {"sample": "HT100", "dataset": "HT100_2018", "year": "2018"}
    expected = stitching.weights(events, 2, "HT100", "2018").tolist()
    assert cls({}, metadata).evaluate(events, 2, "nominal")[0].tolist() == expected
    assert cls.name == "stitch"
    cls({}, {**metadata, "xsec": XSEC * fraction(100, 200)}).check_parameters()
    with pytest.raises(
        ConfigError, match=r"'HT100' has the cross section 153\.2\d* pb, its dataset 'HT100_2018' has 150 pb"
    ):
        cls({}, {**metadata, "xsec": 150.0}).check_parameters()
    with pytest.raises(UnknownNameError, match="unknown sample 'HT10' in stitching 'stitch', did you mean 'HT100'"):
        cls({}, {**metadata, "sample": "HT10"}).check_parameters()
    with pytest.raises(MissingBranchError, match="HT"):
        cls({}, metadata).evaluate(ak.Array({"LHE": ak.zip({"Vpt": [1.0]})}), 1, "nominal")


def test_parts_of_a_sample_are_found_by_dataset() -> None:
    stitching = Stitching("s", [StitchedSample("DY_2018", 1.0, 10.0), StitchedSample("DY_2018_ext", 1.0, 30.0)])
    events = ak.Array({"x": [0.0]})
    for dataset, expected in (("DY_2018", 0.25), ("DY_2018_ext", 0.75)):
        weight = stitching.weight()({}, {"sample": "DY", "dataset": dataset, "year": "2018"})
        assert weight.evaluate(events, 1, "nominal")[0].tolist() == [expected]


def test_wrong_declarations_are_refused() -> None:
    one = StitchedSample("a", 1.0, 1.0)
    with pytest.raises(ConfigError, match="needs at least two samples"):
        Stitching("s", [one])
    with pytest.raises(ConfigError, match="sample 'a' occurs twice"):
        Stitching("s", [one, one])
    with pytest.raises(ConfigError, match="xsec must be a positive number, not 0"):
        StitchedSample("a", 0, 1.0)
    with pytest.raises(ConfigError, match="events of 2018 must be a positive number, not nan"):
        StitchedSample("a", 1.0, {"2018": float("nan")})
    with pytest.raises(ConfigError, match="the range of LHE"):
        StitchedSample("a", 1.0, 1.0, {"LHE.HT": (100, 100)})
    with pytest.raises(UnknownNameError, match="unknown year '2017'"):
        StitchedSample("a", 1.0, {"2018": 1.0}).luminosity("2017")


def test_templates_that_cant_be_checked() -> None:
    stitching = declared(inclusive=100, HT100=100, HT200=100)
    found = templates(stitching)
    with pytest.raises(HistogramError, match="the template of 'HT200' is missing"):
        stitching_closure(stitching, {name: found[name] for name in ("inclusive", "HT100")}, "2018")
    with pytest.raises(UnknownNameError, match="unknown sample 'HT300'"):
        stitching_closure(stitching, {**found, "HT300": found["HT200"]}, "2018")
    coarse = {name: each[:: hist.rebin(12)] for name, each in found.items()}
    with pytest.raises(HistogramError, match="need an edge of a bin at 100"):
        stitching_closure(stitching, coarse, "2018")
    plain = hist.Hist(hist.axis.Variable(EDGES, name="ht"))
    with pytest.raises(HistogramError, match="no sums of squared weights"):
        stitching_closure(stitching, dict.fromkeys(found, plain), "2018")
