from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket import weights
from pocket.errors import ConfigError, UnknownNameError
from pocket.weights.event import (
    CrossSection,
    GenWeight,
    L1Prefiring,
    Lumi,
    Pileup,
    SignOfGenWeight,
    common_weights,
    normalisation_factor,
)
from tests.pocket.correction_files import KINDS, binned, write_corrections

EVENTS = ak.Array(
    {
        "genWeight": np.array([2.5, -0.1, 0.0, 3.0], dtype=np.float32),
        "Pileup": [{"nTrueInt": value} for value in (0.0, 10.0, 25.5, 99.0)],
    }
)


def values(weight: Any) -> tuple[list[float], dict[str, list[float]]]:
    nominal, varied = weight.evaluate(EVENTS, 4, "nominal")
    return nominal.tolist(), {name: array.tolist() for name, array in varied.items()}


def test_names() -> None:
    names = """
        genWeight signOf_genWeight lumi XS pileup sf_L1prefiring sf_ele_reco sf_ele_id sf_ele_trigger sf_pho_id
        sf_pho_pxseed sf_pho_csev sf_mu_id sf_mu_iso sf_mu_reco sf_mu_trigger sf_tau_vsjet sf_tau_vse
        sf_tau_vsmu sf_btag sf_btag_calib sf_btag_calib_varied sf_btag_fixed_wp sf_ctag sf_ctag_calib
        sf_jet_puId sf_partonshower_isr sf_partonshower_fsr sf_qcd_scale sf_qcd_renorm_scale sf_qcd_factor_scale
        sf_qcd_scale_points sf_pdf sf_alphas sf_partonshower_split sf_top_pt_nnlo sf_top_pt_data
    """
    assert [weight.name for weight in common_weights] == names.split()
    assert weights.common_weights is common_weights
    # as PocketCoffea's configurations extend them
    assert common_weights + [GenWeight] == [*common_weights, GenWeight]  # noqa: RUF005


def test_all_weights_are_documented() -> None:
    page = (Path(__file__).absolute().parents[3] / "docs" / "reference" / "weights.md").read_text()
    table = page[page.index("| `genWeight`") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [row[0].strip("`") for row in rows] == [weight.name for weight in common_weights]
    # name, variations, parameters, source
    assert all(len(row) == 4 and row[3] for row in rows)
    varied = [weight.name for weight in common_weights if weight.has_variations or weight.follows]
    assert [row[0].strip("`") for row in rows if row[1]] == varied


def test_generator_weight() -> None:
    assert values(GenWeight({}, {})) == ([2.5, float(np.float32(-0.1)), 0.0, 3.0], {})
    assert values(SignOfGenWeight({}, {})) == ([1.0, -1.0, 0.0, 1.0], {})


def test_normalisation_is_one_per_event_and_a_factor_at_the_end() -> None:
    params = OmegaConf.create({"lumi": {"picobarns": {"2018": {"tot": 59830}}}})
    metadata = {"year": "2018", "xsec": 6077.22}
    for weight, factor in ((Lumi(params, metadata), 59830.0), (CrossSection(params, metadata), 6077.22)):
        assert values(weight) == ([1.0] * 4, {})
        assert normalisation_factor(weight) == factor


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_normalisation_must_be_positive(value: float) -> None:
    with pytest.raises(ConfigError, match=f"weight 'XS' must be a positive number, not {value}"):
        normalisation_factor(CrossSection({}, {"xsec": value}))


def test_unknown_year() -> None:
    params = OmegaConf.create({"lumi": {"picobarns": {"2018": {"tot": 1.0}}}, "pileup": {"2018": {}}})
    with pytest.raises(
        UnknownNameError, match=r"year '2081' in lumi\.picobarns of the parameters, did you mean '2018'"
    ):
        Lumi(params, {"year": "2081"}).factor()
    with pytest.raises(UnknownNameError, match="unknown parameter '2081' in pileup, did you mean '2018'"):
        Pileup(params, {"year": "2081"}).evaluate(EVENTS, 4, "nominal")
    with pytest.raises(UnknownNameError, match="unknown parameter 'pileup'"):
        Pileup(OmegaConf.create({}), {"year": "2018"}).evaluate(EVENTS, 4, "nominal")


def test_pileup(tmp_path: Path) -> None:
    def weight(kind: str, number: int) -> float:
        return 0.5 + number + 0.1 * KINDS.index(kind)

    correction = binned("PU", {"NumTrueInteractions": [0, 10, 20, 30, 100]}, weight, "weights")
    file = write_corrections(tmp_path / "pu.json", correction)
    params = OmegaConf.create({"pileup": {"2018": {"file": file, "name": "PU"}}})
    expected = {kind: [weight(kind, number) for number in (0, 1, 2, 3)] for kind in KINDS}
    assert values(Pileup(params, {"year": "2018"})) == (
        expected["nominal"],
        {"pileupUp": expected["up"], "pileupDown": expected["down"]},
    )


def test_prefiring() -> None:
    events = ak.Array({"L1PreFiringWeight": [{"Nom": 0.9, "Up": 0.95, "Dn": 0.85}, {"Nom": 1.0, "Up": 1.0, "Dn": 1.0}]})
    nominal, varied = L1Prefiring({}, {}).evaluate(events, 2, "nominal")
    assert nominal.tolist() == [0.9, 1.0]
    assert {name: values.tolist() for name, values in varied.items()} == {
        "sf_L1prefiringUp": [0.95, 1.0],
        "sf_L1prefiringDown": [0.85, 1.0],
    }
