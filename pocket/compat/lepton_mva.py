"""Scores of leptons from XGBoost models, as workflows of PocketCoffea compute them.

Configurations of our own declare a model in a delayed column instead (:class:`pocket.models.XGBoostModel`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.objects.special_leptons import nearest_jet_score

#: Largest ratio of the momenta of a lepton and its jet that the models know.
_MAX_RATIO = 1.5


class XGBoostEvaluator:
    """Evaluation of a model for the leptons of a collection; a derived class sets the names of the inputs in order."""

    feature_names: ClassVar[list[str]] = []

    def __init__(self, model_path: str) -> None:
        import xgboost

        self.booster = xgboost.Booster()
        self.booster.load_model(model_path)
        self.booster.set_param({"nthread": 1})

    def prepare_inputs(self, leptons: Any, jets: Any) -> tuple[npt.NDArray[np.float32], Any]:
        """Return the inputs, shape (n leptons, n features), and the number of leptons of each event."""
        raise NotImplementedError

    def predict(self, inputs: npt.NDArray[np.float32]) -> Floats:
        """Return the scores from -1 to 1, shape (n leptons,)."""
        import xgboost

        raw = self.booster.predict(xgboost.DMatrix(inputs, feature_names=self.feature_names))
        return np.asarray(np.tanh(raw))

    def evaluate(self, leptons: Any, jets: Any, mask: Any = None) -> Any:
        """Return the scores of leptons, shape (n events, n leptons), -1 for those that a mask leaves out."""
        counts = ak.num(leptons)
        scores = np.full(int(ak.sum(counts)), -1.0, dtype=np.float32)
        chosen = np.ones(len(scores), dtype=np.bool_) if mask is None else np.asarray(ak.flatten(mask))
        if chosen.any():
            inputs, _ = self.prepare_inputs(leptons if mask is None else leptons[mask], jets)
            scores[chosen] = self.predict(inputs)
        return ak.unflatten(scores, counts)


class _LeptonMVAEvaluator(XGBoostEvaluator):
    """Evaluation of the prompt-lepton MVA, with the prefix of the inputs in the model and the field of the last one."""

    flavour: ClassVar[str]
    last: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = (
            *("pt", "eta", "pfRelIso03_all", "miniPFRelIso_chg", "miniRelIsoNeutral", "jetNDauCharged", "jetPtRelv2"),
            *("jetBTagDeepFlavB", "jetPtRatio", "sip3d", "log_dxy", "log_dz", cls.last),
        )
        cls.feature_names = [f"{cls.flavour}_{name}" for name in names]

    def prepare_inputs(self, leptons: Any, jets: Any) -> tuple[npt.NDArray[np.float32], Any]:
        scores = nearest_jet_score(ak.Array({"Jet": jets}, behavior=jets.behavior), leptons)
        flat = ak.flatten(leptons)

        def values(name: str) -> npt.NDArray[Any]:
            return np.asarray(flat[name])

        columns = [
            *(values(name) for name in ("pt", "eta", "pfRelIso03_all", "miniPFRelIso_chg")),
            values("miniPFRelIso_all") - values("miniPFRelIso_chg"),
            *(values(name) for name in ("jetNDauCharged", "jetPtRelv2")),
            np.asarray(ak.flatten(scores)).astype(np.float32),
            np.minimum(1 / (1 + values("jetRelIso")), _MAX_RATIO),
            values("sip3d"),
            *(np.log(np.abs(values(name))) for name in ("dxy", "dz")),
            values(self.last),
        ]
        return np.column_stack(columns).astype(np.float32), ak.num(leptons)


class MuonMVAEvaluator(_LeptonMVAEvaluator):
    """Evaluation of the prompt-muon MVA."""

    flavour, last = "Muon", "segmentComp"


class ElectronMVAEvaluator(_LeptonMVAEvaluator):
    """Evaluation of the prompt-electron MVA."""

    flavour, last = "Electron", "mvaIso"
