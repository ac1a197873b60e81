from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat import weights
from pocket.errors import ConfigError
from pocket.weights import leptons
from tests.pocket.correction_files import write_corrections

ELECTRONS = ak.zip({"pt": [[30.0, 60.0], []], "etaSC": [[0.5, -0.5], []]})


def trigger(**values: float) -> cs.Correction:
    """Return a correction with a value for each variation, in one bin of pt and eta."""

    def content(value: float) -> cs.MultiBinning:
        edges: list[Any] = [[0.0, 1000.0], [-2.5, 2.5]]
        return cs.MultiBinning(
            nodetype="multibinning", inputs=["pt", "eta"], edges=edges, content=[value], flow="clamp"
        )

    items = [cs.CategoryItem(key=key, value=content(value)) for key, value in values.items()]
    kinds = {"variation": "string", "pt": "real", "eta": "real"}
    return cs.Correction(
        name="trigger",
        version=1,
        inputs=[cs.Variable(name=name, type=kind) for name, kind in kinds.items()],
        output=cs.Variable(name="sf", type="real"),
        data=cs.Category(nodetype="category", input="variation", content=items),
    )


def test_the_electron_trigger_of_run_2(tmp_path: Path) -> None:
    content = trigger(nominal=0.9, statUp=1.0, statDown=0.8, eraUp=2.0, eraDown=0.5)
    file = write_corrections(tmp_path / "sf.json", content)
    params = OmegaConf.create(
        {
            "lepton_scale_factors": {
                "electron_sf": {"collection": "Electron", "trigger_sf": {"2018": {"file": file, "name": "trigger"}}}
            },
            "systematic_variations": {"weight_variations": {"sf_ele_trigger": {"2018": ["stat", "era"]}}},
        }
    )
    weight = weights.ElectronTriggerRun2(params, {"year": "2018", "isMC": True})
    assert weight.variation_names() == [f"{weight.name}_{name}" for name in ("statUp", "statDown", "eraUp", "eraDown")]
    nominal, varied = weight.evaluate(ak.Array({"Electron": ELECTRONS}), 2, "nominal")
    assert nominal.tolist() == pytest.approx([0.81, 1.0])
    found = {name: values.tolist() for name, values in varied.items()}
    assert found["sf_ele_trigger_run2_statDown"] == pytest.approx([0.64, 1.0])
    assert found["sf_ele_trigger_run2_eraUp"] == pytest.approx([4.0, 1.0])


def test_functions_of_scale_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    events = ak.Array({"L1PreFiringWeight": ak.zip({"Nom": [0.9], "Up": [1.0], "Dn": [0.8]})})
    assert [np.asarray(side).tolist() for side in weights.sf_L1prefiring(events)] == [[0.9], [1.0], [0.8]]
    events = ak.Array({"PSWeight": [[2.0, 3.0, 0.5, 0.25]]})
    assert [np.asarray(side).tolist() for side in weights.sf_partonshower_isr(events)] == [[1.0], [2.0], [0.5]]
    assert [np.asarray(side).tolist() for side in weights.sf_partonshower_fsr(events)] == [[1.0], [3.0], [0.25]]
    scales = ak.Array({"LHEScaleWeight": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]]})
    assert [np.asarray(side).tolist() for side in weights.sf_qcd_renorm_scale(scales)] == [[1.0], [8.0], [2.0]]
    assert [np.asarray(side).tolist() for side in weights.sf_qcd_factor_scale(scales)] == [[1.0], [6.0], [4.0]]

    def factors(self: Any, inputs: Any, side: str) -> Any:
        assert self.year == "2018"
        return np.full(2, {"nominal": 1.0, "up": 2.0, "down": 3.0}[side])

    monkeypatch.setattr(leptons.MuonIso, "factors", factors)
    params = OmegaConf.create({"lepton_scale_factors": {"muon_sf": {"collection": "Muon"}}})
    muons = ak.Array({"Muon": ak.zip({"pt": [[30.0, 40.0], []], "eta": [[0.0, 1.0], []]})})
    sides = weights.sf_mu(params, muons, "2018", "iso")
    assert [np.asarray(side).tolist() for side in sides] == [[1.0, 1.0], [4.0, 1.0], [9.0, 1.0]]
    with pytest.raises(ConfigError, match="sf_mu: 'reco' is none of id, iso, trigger"):
        weights.sf_mu(params, muons, "2018", "reco")


def test_custom_weights_of_older_releases() -> None:
    plain = weights.WeightCustom(
        "ones", lambda params, events, size, metadata, shape_variation: [("ones", np.ones(size) * 2)]
    )
    nominal, varied = plain({}, {"isMC": True}).evaluate(None, 3, "nominal")
    assert (nominal.tolist(), varied) == ([2.0] * 3, {})
    shifted = weights.WeightCustom(
        "shift",
        lambda params, events, size, metadata, shape_variation: [("shift", *(np.full(size, n) for n in (1, 2, 0.5)))],
        variations=["shift"],
    )
    nominal, varied = shifted({}, {"isMC": True}).evaluate(None, 2, "nominal")
    assert {name: values.tolist() for name, values in varied.items()} == {"shiftUp": [2, 2], "shiftDown": [0.5, 0.5]}
