from __future__ import annotations

import itertools
import math
import re
import statistics
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.errors import ConfigError, UnknownNameError
from pocket.io.nanoaod.events import NanoTree
from pocket.weights.pdf import AlphaS, PDFWeight
from pocket.weights.pdf_sets import SETS, PDFSet, Title, pdf_set
from tests.real_files import real_file

TITLE = "LHE pdf variation weights (w_var / w_nominal) for LHA IDs {} - {}"
SAMPLE = {"sample": "TT", "dataset": "TT_2018"}


def generated(entries: int, title: str = "", n: int = 10_000) -> tuple[ak.Array, Any]:
    """Return events with random entries, in float32 as in NanoAOD, and these as lists."""
    weights = np.random.default_rng(4).normal(1, 0.1, (n, entries)).astype(np.float32)
    weights[0] = 1
    lists = ak.from_numpy(weights)
    lists = ak.from_regular(ak.with_parameter(lists, "__doc__", title) if title else lists)
    return ak.Array({"LHEPdfWeight": lists}), weights.astype(float).tolist()


def computed(weight: Any, events: ak.Array, metadata: dict[str, Any] = SAMPLE) -> dict[str, list[float]]:
    nominal, varied = weight({}, metadata).evaluate(events, len(events), "nominal")
    assert nominal.tolist() == [1.0] * len(events)
    return {name: values.tolist() for name, values in varied.items()}


def test_symmetric_eigenvectors_of_103_entries_are_shifts_from_the_central_member() -> None:
    events, rows = generated(103, TITLE.format(306000, 306102))
    found = computed(PDFWeight, events)
    assert list(found) == [f"sf_pdf_{k}Up" for k in range(1, 101)]
    for k in (1, 2, 57, 100):
        assert found[f"sf_pdf_{k}Up"] == [1 + (row[k] - row[0]) for row in rows]


def test_alphas_is_the_last_two_entries() -> None:
    events, rows = generated(103, TITLE.format(325300, 325402))
    found = computed(AlphaS, events)
    assert found["sf_alphasDown"] == [1 + (row[101] - row[0]) for row in rows]
    assert found["sf_alphasUp"] == [1 + (row[102] - row[0]) for row in rows]


def test_alphas_with_another_uncertainty() -> None:
    class Recommended(AlphaS):
        name = "sf_alphas_0p0015"
        scale = 0.75

    events, rows = generated(103, TITLE.format(306000, 306102))
    assert computed(Recommended, events)["sf_alphas_0p0015Up"] == [1 + 0.75 * (row[102] - row[0]) for row in rows]


def test_the_central_member_may_have_no_entry() -> None:
    events, rows = generated(102, TITLE.format(292201, 292302))
    weight = PDFWeight.wrap("sf_pdf", sets=292200, alphas=True)
    found = computed(weight, events)
    assert found["sf_pdf_1Up"] == [1 + (row[0] - 1) for row in rows]
    assert found["sf_pdf_100Up"] == [1 + (row[99] - 1) for row in rows]
    assert found["sf_pdf_alphasDown"] == [1 + (row[100] - 1) for row in rows]
    assert found["sf_pdf_alphasUp"] == [1 + (row[101] - 1) for row in rows]


def test_pairs_have_both_sides_at_the_level_of_one_sigma() -> None:
    events, rows = generated(59, TITLE.format(14000, 14058))
    found = computed(PDFWeight.wrap("ct18", sets="CT18NNLO", mode="members"), events)
    assert len(found) == 58
    # 90 % of a normal distribution are within this number of standard deviations
    sigmas = math.sqrt(2) * 1.1630871536766743
    for k in (1, 29):
        expected = [[1 + (row[2 * k - 1 + side] - row[0]) / sigmas for row in rows] for side in (0, 1)]
        assert np.allclose([found[f"ct18_{k}Up"], found[f"ct18_{k}Down"]], expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("alphas", [False, True])
def test_symmetric_eigenvectors_in_each_event(alphas: bool) -> None:
    events, rows = generated(103, TITLE.format(306000, 306102))
    found = computed(PDFWeight.wrap("pdf", mode="event", alphas=alphas), events)
    up, down = [], []
    for row in rows:
        total = sum((member - row[0]) ** 2 for member in row[1:101])
        strong = [row[101] - row[0], row[102] - row[0]] if alphas else [0.0]
        up.append(1 + math.sqrt(total + max(*strong, 0.0) ** 2))
        down.append(1 - math.sqrt(total + min(*strong, 0.0) ** 2))
    assert np.allclose(found["pdfUp"], up, rtol=1e-14, atol=0)
    assert np.allclose(found["pdfDown"], down, rtol=0, atol=1e-14)


def test_replicas_and_pairs_in_each_event() -> None:
    events, rows = generated(101, TITLE.format(303600, 303700), n=1000)
    found = computed(PDFWeight.wrap("pdf", sets=303600, mode="event"), events)
    spread = [statistics.stdev(row[1:]) for row in rows]
    assert np.allclose(found["pdfUp"], [1 + each for each in spread], rtol=1e-14, atol=0)
    assert np.allclose(found["pdfDown"], [1 - each for each in spread], rtol=0, atol=1e-14)

    events, rows = generated(65, TITLE.format(27400, 27464), n=1000)
    found = computed(PDFWeight.wrap("pdf", sets=27400, mode="event"), events)
    up, down = [], []
    for row in rows:
        pairs = [(row[i] - row[0], row[i + 1] - row[0]) for i in range(1, 65, 2)]
        up.append(1 + math.sqrt(sum(max(*pair, 0.0) ** 2 for pair in pairs)))
        down.append(1 - math.sqrt(sum(min(*pair, 0.0) ** 2 for pair in pairs)))
    assert np.allclose(found["pdfUp"], up, rtol=1e-14, atol=0)
    assert np.allclose(found["pdfDown"], down, rtol=0, atol=1e-14)


def test_members_keep_the_sum_of_weights_of_the_dataset() -> None:
    events, rows = generated(101, TITLE.format(303600, 303700), n=500)
    means = [sum(row[k] for row in rows) / len(rows) for k in range(101)]
    weight = PDFWeight.wrap("pdf", sets=303600, renormalised=True)
    found = computed(weight, events, {**SAMPLE, "LHEPdfSumw": means})
    assert sum(found["pdf_17Up"]) / len(rows) == pytest.approx(1, rel=1e-12)
    with pytest.raises(ConfigError, match="dataset 'TT_2018' lack 'LHEPdfSumw': pocket"):
        computed(weight, events)


def test_no_events_and_shape_variations() -> None:
    events, _ = generated(103, TITLE.format(306000, 306102), n=3)
    assert set(map(len, computed(PDFWeight, events[:0]).values())) == {0}
    assert set(map(len, computed(AlphaS, events[:0]).values())) == {0}
    assert PDFWeight({}, SAMPLE).evaluate(events, 3, "JES_TotalUp")[1] == {}


def test_sets_by_sample() -> None:
    weight = PDFWeight.wrap("pdf", sets={"*": 306000, "bb4l": "NNPDF40_nnlo_hessian_pdfas"})
    assert len(weight({}, SAMPLE).variation_names()) == 100
    assert len(weight({}, {"sample": "bb4l"}).variation_names()) == 50
    with pytest.raises(ConfigError, match="has no PDF set for sample 'TT', only for bb4l"):
        PDFWeight.wrap("pdf", sets={"bb4l": 331600})({}, SAMPLE)


def test_another_set_than_declared_is_refused() -> None:
    events, _ = generated(33, TITLE.format(91400, 91432), n=2)
    with pytest.raises(
        ConfigError,
        match=re.escape(
            "weight 'sf_pdf' is declared for PDF set NNPDF31_nnlo_hessian_pdfas (symmhessian, 100 members), but "
            "LHEPdfWeight of sample 'TT' has PDF4LHC15_nnlo_30_pdfas (symmhessian, 30 members)"
        ),
    ):
        computed(PDFWeight, events)
    # another set with the same meaning is taken
    events, _ = generated(101, TITLE.format(304400, 304500), n=2)
    assert len(computed(PDFWeight, events)) == 100


def test_an_unknown_set_asks_for_its_kind() -> None:
    events, rows = generated(41, TITLE.format(123400, 123440), n=10)
    with pytest.raises(
        ConfigError,
        match=re.escape(
            "weight 'sf_pdf': the kind of PDF set 123400 of sample 'TT' isn't known, declare it as sets=PDFSet(123400, "
            "'its name', kind, members) with the kind 'symmhessian' or 'hessian' or 'replicas'"
        ),
    ):
        computed(PDFWeight, events)
    own = PDFWeight.wrap("own", sets=PDFSet(123400, "mine", "symmhessian", 40))
    assert computed(own, events)["own_40Up"] == [1 + (row[40] - row[0]) for row in rows]


def test_wrong_numbers_of_entries_are_refused() -> None:
    events, _ = generated(55, n=2)
    with pytest.raises(ConfigError, match="has 100 members, but LHEPdfWeight of sample 'TT' has 55 entries"):
        computed(PDFWeight, events)
    events, _ = generated(101, n=2)
    with pytest.raises(ConfigError, match="NNPDF31_nnlo_hessian_pdfas, has no entries for α_S"):
        computed(AlphaS, events)
    jagged = ak.Array({"LHEPdfWeight": [[1.0] * 103, [1.0] * 101]})
    with pytest.raises(ConfigError, match="the same number of entries for each event in LHEPdfWeight"):
        computed(PDFWeight, jagged)


def test_wrong_declarations_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'NNPDF31_nnlo_hessian_pdfas'"):
        PDFWeight.wrap("pdf", sets="NNPDF31_nnlo_hessian_pdfa")
    with pytest.raises(UnknownNameError, match="mode"):
        PDFWeight.wrap("pdf", mode="quadrature")
    with pytest.raises(ConfigError, match="replicas are no sources of uncertainty"):
        PDFWeight.wrap("pdf", sets=303600, mode="members")
    with pytest.raises(ConfigError, match="kinds replicas and symmhessian need a weight for each"):
        PDFWeight.wrap("pdf", sets={"a": 303600, "b": 306000})
    with pytest.raises(ConfigError, match="PDF set NNPDF31_nnlo_as_0118 has no members for α_S"):
        PDFWeight.wrap("pdf", sets=303600, alphas=True)
    with pytest.raises(ConfigError, match="57 members are no set of kind 'hessian'"):
        PDFSet(1, "odd", "hessian", 57)


def test_the_table() -> None:
    assert len({each.name for each in SETS.values()}) == len(SETS)
    # ranges that NanoAOD has in its titles, whose members don't overlap with another set
    assert pdf_set(306000).last == 306102
    assert pdf_set(325300).last == 325402
    assert pdf_set(91400).last == 91432
    assert pdf_set(292200).last == 292302
    in_order = sorted(SETS.values(), key=lambda each: each.lhapdf)
    assert all(one.last < other.lhapdf for one, other in itertools.pairwise(in_order))
    assert Title.of("LHE pdf variation weights for LHA names NNPDF31_nnlo_hessian_pdfas").find() is pdf_set(306000)  # type: ignore[union-attr]
    assert Title.of("LHEPdfWeight/F") is None


def test_real_files() -> None:
    with uproot.open(real_file("nano_dy.root")) as file:
        events = NanoTree(file, "Events", {}).events(0, 40)
        rows = file["Events"]["LHEPdfWeight"].array().to_list()
        found = computed(PDFWeight.wrap("pdf", sets="PDF4LHC15_nnlo_30_pdfas", alphas=True), events)
        assert found["pdf_30Up"] == [1 + (row[30] - row[0]) for row in rows]
        assert found["pdf_alphasUp"] == [1 + (row[32] - row[0]) for row in rows]
        with pytest.raises(ConfigError, match="has PDF4LHC15_nnlo_30_pdfas"):
            computed(PDFWeight, events[np.arange(40) % 2 == 0])


def test_a_real_file_without_the_central_member() -> None:
    path = real_file("nano_dy.root").with_name("nano_opendata_2015_ttbar.root")
    if not path.is_file():
        pytest.skip(f"{path} isn't there")
    with uproot.open(path) as file:
        events = NanoTree(file, "Events", {}).events(0, 200)
        rows = file["Events"]["LHEPdfWeight"].array().to_list()
        found = computed(PDFWeight.wrap("pdf", sets="NNPDF30_nlo_nf_5_pdfas"), events)
        assert found["pdf_1Up"] == [1 + (row[0] - 1) for row in rows]
