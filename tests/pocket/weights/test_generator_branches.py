from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.errors import BadFileError, ConfigError
from pocket.weights.generator_branches import generator_means, title_of
from pocket.weights.theory import POINTS, QCDScalePoints, point_name
from tests.real_files import real_file

#: (renormalisation, factorisation) in NanoAOD's order
ORDER = [(r, f) for r in (0.5, 1, 2) for f in (0.5, 1, 2)]


def write_runs(path: Path, sums: list[float], means: list[list[float]], key: str = "LHEScaleSumw") -> str:
    with uproot.recreate(path) as file:
        file["Runs"] = {"genEventSumw": np.array(sums), key: ak.Array(means), "run": np.arange(len(sums))}
    return str(path)


def test_means_over_all_files_and_runs(tmp_path: Path) -> None:
    one = write_runs(tmp_path / "1.root", [10.0, 30.0], [[1.0, 2.0], [1.5, 2.5]])
    other = write_runs(tmp_path / "2.root", [60.0], [[0.5, 3.0]])
    found = generator_means([one, other])
    assert list(found) == ["LHEScaleSumw"]
    expected = [(10 * 1 + 30 * 1.5 + 60 * 0.5) / 100, (10 * 2 + 30 * 2.5 + 60 * 3.0) / 100]
    assert found["LHEScaleSumw"] == pytest.approx(expected, rel=1e-14)


def test_the_names_of_old_releases_in_a_real_file() -> None:
    path = str(real_file("nano_dy.root"))
    with uproot.open(path) as file:
        expected = file["Runs"]["LHEScaleSumw_"].array()[0].to_list()
    assert generator_means([path])["LHEScaleSumw"] == pytest.approx(expected, rel=1e-12)


def test_files_without_sums(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["Events"] = {"x": np.ones(2)}
    with pytest.raises(BadFileError, match="has no tree Runs"):
        generator_means([str(tmp_path / "a.root")])
    with uproot.recreate(tmp_path / "b.root") as file:
        file["Runs"] = {"run": np.ones(2)}
    with pytest.raises(BadFileError, match="the tree Runs has no genEventSumw"):
        generator_means([str(tmp_path / "b.root")])
    one = write_runs(tmp_path / "1.root", [1.0], [[1.0, 2.0]])
    for number, other in enumerate(
        (
            write_runs(tmp_path / "2.root", [1.0], [[1.0]]),
            write_runs(tmp_path / "3.root", [1.0], [[1.0, 2.0]], key="LHEPdfSumw"),
        )
    ):
        files = [one, other] if number else [other, one]
        with pytest.raises(BadFileError, match="has other entries in Runs than the files before"):
            generator_means(files)


@pytest.mark.parametrize("nine", [True, False])
def test_points_of_the_scales_against_a_loop(nine: bool) -> None:
    order = ORDER if nine else [scale for scale in ORDER if scale != (1, 1)]
    weights = np.random.default_rng(3).normal(1, 0.2, (10_000, len(order))).astype(np.float32)
    rows = weights.astype(float).tolist()
    events = ak.Array({"LHEScaleWeight": ak.from_regular(ak.from_numpy(weights))})
    nominal, found = QCDScalePoints({}, {"sample": "TT"}).evaluate(events, len(rows), "nominal")
    assert nominal.tolist() == [1.0] * len(rows)
    assert len(found) == len(POINTS) == 6
    assert not any("muR0p5_muF2" in name or "muR2_muF0p5" in name for name in found)
    for scale in POINTS:
        place = order.index(scale)
        expected = [row[place] / (row[4] if nine else 1.0) for row in rows]
        assert found[f"sf_qcd_scale_points_{point_name(scale)}Up"].tolist() == expected


@pytest.mark.parametrize("nine", [True, False])
def test_renormalised_points_keep_the_sum_of_weights(nine: bool) -> None:
    order = ORDER if nine else [scale for scale in ORDER if scale != (1, 1)]
    rng = np.random.default_rng(3)
    weights = rng.normal(1, 0.2, (1000, len(order)))
    if nine:
        weights[:, 4] = 1
    generator = rng.choice([-1.0, 1.0], 1000, p=[0.1, 0.9])
    means = (generator @ weights / generator.sum()).tolist()
    events = ak.Array({"LHEScaleWeight": weights.tolist()})
    weight = QCDScalePoints.wrap("shape", renormalised=True)
    metadata = {"sample": "TT", "dataset": "TT_2018", "LHEScaleSumw": means}
    _, found = weight({}, metadata).evaluate(events, 1000, "nominal")
    for values in found.values():
        assert generator @ values == pytest.approx(generator.sum(), rel=1e-12)
    with pytest.raises(ConfigError, match="LHEScaleSumw in the metadata of dataset 'TT_2018' must be"):
        weight({}, {**metadata, "LHEScaleSumw": [1.0]}).evaluate(events, 1000, "nominal")
    with pytest.raises(ConfigError, match="the metadata of dataset 'TT_2018' lack 'LHEScaleSumw'"):
        weight({}, {"dataset": "TT_2018"}).evaluate(events, 1000, "nominal")


def test_titles() -> None:
    plain = ak.Array([[1.0], [2.0]])
    assert title_of(ak.Array({"w": plain}), "w") == ""
    titled = ak.Array({"w": ak.from_regular(ak.with_parameter(ak.from_numpy(np.ones((3, 2))), "__doc__", "a"))})
    assert title_of(titled, "w") == "a"
    # selections of events keep it
    assert title_of(titled[np.array([True, False, True])], "w") == "a"
