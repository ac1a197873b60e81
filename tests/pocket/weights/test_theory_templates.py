"""Templates of the generator's variations, from files to the band of a plot."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.base.fingerprint import digest
from pocket.configuration.description import dump_config
from pocket.errors import ConfigError
from pocket.interactive import plot, process
from pocket.weights.k_factor import KFactor, boson_pt
from pocket.weights.pdf import PDFWeight
from pocket.weights.pdf_sets import PDFSet
from pocket.weights.stitching import StitchedSample, Stitching
from pocket.weights.theory import POINTS, SCALES, QCDScalePoints, point_name
from tests.pocket.configs import DY, DY_LOW, TT, configure, only

EDGES = np.linspace(0, 2, 5)
APPLIED = ["genWeight", "sf_pdf", "sf_qcd_scale_points", "sf_alphas"]
#: Dataset → cross section in the definitions of the tests.
SAMPLES = ("TT", "DY")


def write(path: Path, seed: int, size: int = 240) -> dict[str, Any]:
    """Write events with their generator's variations, and return the columns."""
    rng = np.random.default_rng(seed)
    columns = {
        "genWeight": rng.choice(np.array([-0.5, 1.0, 2.0], np.float32), size, p=[0.1, 0.5, 0.4]),
        "x": rng.uniform(0, 2, size).astype(np.float32),
        "LHEPdfWeight": rng.normal(1, 0.1, (size, 103)).astype(np.float32),
        "LHEScaleWeight": rng.normal(1, 0.2, (size, 9)).astype(np.float32),
    }
    with uproot.recreate(path) as file:
        lists = {name: ak.from_regular(ak.Array(each)) if each.ndim == 2 else each for name, each in columns.items()}
        file.mktree("Events", {name: ak.type(ak.Array(each)).content for name, each in lists.items()})
        file["Events"].extend(lists)
    return {name: values.astype(float) for name, values in columns.items()}


def sums(columns: dict[str, Any], weight: Any) -> Any:
    """Return the template of a weight, from a loop over events."""
    found = np.zeros(4)
    norm = columns["genWeight"].sum()
    for x, generated, value in zip(columns["x"], columns["genWeight"], np.broadcast_to(weight, 240), strict=True):
        found[int(x // 0.5)] += generated * value / norm
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("files")
    columns = {dataset: write(folder / f"{dataset}.root", seed) for seed, dataset in enumerate((TT, DY, DY_LOW))}
    config = configure(
        datasets=only(*SAMPLES),
        weights={"common": {"inclusive": APPLIED}},
        variations={"weights": {"common": {"inclusive": APPLIED[1:]}}},
    )
    return process(config, {dataset: folder / f"{dataset}.root" for dataset in columns}, chunk_size=100), columns


def test_templates_of_members_against_loops(made: Any) -> None:
    result, columns = made
    template = result.output["variables"]["x"]["TT"][TT]
    names = list(template.axes["variation"])
    # eigenvectors have both sides, the points of the scales too, of which one is nominal
    assert len(names) == 1 + 2 * 100 + 2 * 6 + 2
    tt, pdf, scale = columns[TT], columns[TT]["LHEPdfWeight"], columns[TT]["LHEScaleWeight"]

    def values(variation: str) -> Any:
        return template[{"cat": "baseline", "variation": variation}].values()

    nominal = sums(tt, 1.0)
    assert np.allclose(values("nominal"), nominal, rtol=1e-12)
    for k in (1, 33, 100):
        up = sums(tt, 1 + pdf[:, k] - pdf[:, 0])
        assert np.allclose(values(f"sf_pdf_{k}Up"), up, rtol=1e-12)
        assert np.allclose(values(f"sf_pdf_{k}Down"), 2 * nominal - up, rtol=1e-12)
    assert np.allclose(values("sf_alphasDown"), sums(tt, 1 + pdf[:, 101] - pdf[:, 0]), rtol=1e-12)
    for point in POINTS:
        ratio = scale[:, SCALES.index(point)] / scale[:, 4]
        assert np.allclose(values(f"sf_qcd_scale_points_{point_name(point)}Up"), sums(tt, ratio), rtol=1e-12)
        assert np.allclose(values(f"sf_qcd_scale_points_{point_name(point)}Down"), nominal, rtol=1e-12)


def test_the_band_combines_members_of_each_sample(made: Any) -> None:
    result, columns = made
    shifts = plot(result, "x", "baseline").numbers["mc"]["shifts"]
    assert set(shifts) == {"sf_pdf", "sf_qcd_scale_points", "sf_alphas"}
    pdf, high, low = np.zeros(4), np.zeros(4), np.zeros(4)
    for datasets in ((TT,), (DY, DY_LOW)):
        parts = [columns[dataset] for dataset in datasets]
        nominal = sum(sums(part, 1.0) for part in parts)
        # datasets of a sample are added before their members are combined, samples afterwards
        members = [
            sum(sums(part, 1 + part["LHEPdfWeight"][:, k] - part["LHEPdfWeight"][:, 0]) for part in parts) - nominal
            for k in range(1, 101)
        ]
        pdf += [math.sqrt(sum(member[number] ** 2 for member in members)) for number in range(4)]
        points = [
            sum(
                sums(part, part["LHEScaleWeight"][:, SCALES.index(point)] / part["LHEScaleWeight"][:, 4])
                for part in parts
            )
            - nominal
            for point in POINTS
        ]
        high += np.maximum(np.max(points, axis=0), 0)
        low += np.minimum(np.min(points, axis=0), 0)
    assert np.allclose(shifts["sf_pdf"]["up"], pdf, rtol=1e-10)
    assert np.allclose(shifts["sf_pdf"]["down"], -pdf, rtol=1e-10)
    assert np.allclose(shifts["sf_qcd_scale_points"]["up"], high, rtol=1e-10)
    assert np.allclose(shifts["sf_qcd_scale_points"]["down"], low, rtol=1e-10)


def test_sums_of_each_event_are_larger(made: Any) -> None:
    _, columns = made
    tt = columns[TT]
    nominal = sums(tt, 1.0)
    members = [sums(tt, 1 + tt["LHEPdfWeight"][:, k] - tt["LHEPdfWeight"][:, 0]) - nominal for k in range(1, 101)]
    events = ak.Array({"LHEPdfWeight": tt["LHEPdfWeight"].tolist()})
    _, varied = PDFWeight.wrap("pdf", mode="event")({}, {"sample": "TT"}).evaluate(events, 240, "nominal")
    assert ((sums(tt, varied["pdfUp"]) - nominal) > 1.5 * np.sqrt(np.square(members).sum(axis=0))).all()


def test_declared_weights_have_a_content() -> None:
    def fingerprint(*classes: Any) -> str:
        names = [cls.name for cls in classes]
        config = configure(datasets=only("TT"), weights={"common": {"inclusive": names}}, weights_classes=list(classes))
        assert all(f'"{name}"' in dump_config(config, "main") for name in names)
        return str(digest(config.plan().spec()))

    def stitched(events: float) -> Any:
        samples = [StitchedSample("TT", 88.0, events), StitchedSample("TT_high", 8.0, 1.0, {"LHE.HT": (100, None)})]
        return Stitching("stitch", samples).weight()

    def k_factor(**inputs: Any) -> Any:
        return KFactor.wrap("k", "k.json", "k", inputs)

    all_of_them = (PDFWeight.wrap("pdf", sets=PDFSet(1, "own", "hessian", 4)), stitched(1.0), k_factor(pt=boson_pt))
    assert fingerprint(*all_of_them) == fingerprint(*all_of_them)
    assert fingerprint(stitched(1.0)) != fingerprint(stitched(2.0))
    assert fingerprint(k_factor(pt="LHE.Vpt")) != fingerprint(k_factor(pt=boson_pt))
    assert fingerprint(PDFWeight.wrap("pdf")) != fingerprint(PDFWeight.wrap("pdf", sets=331600))


def test_a_stitched_sample_with_another_cross_section_is_refused() -> None:
    samples = [StitchedSample("TT", 80.0, 1.0), StitchedSample("TT_high", 8.0, 1.0, {"LHE.HT": (100, None)})]
    weight = Stitching("stitch", samples).weight()
    with pytest.raises(ConfigError, match="'TT' has the cross section 80 pb, its dataset 'TT_2018' has 88 pb"):
        configure(datasets=only("TT"), weights={"common": {"inclusive": [weight]}})


def test_means_are_asked_for_before_anything_runs(tmp_path: Path) -> None:
    shape = QCDScalePoints.wrap("shape", renormalised=True)
    with pytest.raises(ConfigError, match="the metadata of dataset 'TT_2018' lack 'LHEScaleSumw'"):
        configure(datasets=only("TT"), weights={"common": {"inclusive": [shape]}})
    metadata = {"year": "2018", "isMC": True, "xsec": 88.0, "LHEScaleSumw": [1.0 + number / 10 for number in range(9)]}
    definitions = tmp_path / "own.json"
    content = {"TT": {"sample": "TT", "files": [{"paths": ["tt.root"], "metadata": metadata}]}}
    definitions.write_text(json.dumps(content))
    config = configure(
        datasets={"jsons": [definitions]},
        weights={"common": {"inclusive": ["genWeight", shape]}},
        variations={"weights": {"common": {"inclusive": [shape]}}},
    )
    columns = write(tmp_path / "tt.root", 3)
    template = process(config, {"TT_2018": tmp_path / "tt.root"}).output["variables"]["x"]["TT"]["TT_2018"]
    scale = columns["LHEScaleWeight"]
    expected = sums(columns, (scale[:, 8] / 1.8) / (scale[:, 4] / 1.4))
    found = template[{"cat": "baseline", "variation": "shape_muR2_muF2Up"}].values()
    assert np.allclose(found, expected, rtol=1e-12)
