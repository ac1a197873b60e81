from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from pocket.datasets.absent_triggers import absent_sentence, nearest_trigger

NAMES = ("HLT_Ele32_WPTight_Gsf", "HLT_Ele32_WPTight_Gsf_L1DoubleEG", "HLT_IsoMu24", "HLT_IsoMu27", "HLT_Mu50")


@pytest.mark.parametrize(
    ("trigger", "meant"),
    [
        ("HLT_Ele32_WPTight_GSF", "HLT_Ele32_WPTight_Gsf"),
        ("HLT_Ele32_WPTigth_Gsf", "HLT_Ele32_WPTight_Gsf"),
        ("HLT_Isomu27", "HLT_IsoMu27"),
        # Another threshold is another trigger, which didn't exist in the period.
        ("HLT_IsoMu22", ""),
        ("HLT_Ele35_WPTight_Gsf", ""),
        ("HLT_OldMu100", ""),
        ("HLT_PFMET120_PFMHT120_IDTight", ""),
    ],
)
def test_nearest_trigger(trigger: str, meant: str) -> None:
    assert nearest_trigger(trigger, NAMES) == meant


def test_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["Events"] = {name: np.zeros(2, dtype=np.bool_) for name in NAMES}
    absent = {"A": ["HLT_IsoMu22", "HLT_Isomu27"], "B": ["HLT_IsoMu22"]}
    beginning = "triggers that some files lack count as not fired: HLT_IsoMu22, HLT_Isomu27"
    assert absent_sentence(absent, {"A": [str(path)], "B": []}) == f"{beginning} (did you mean HLT_IsoMu27?)"
    # Files that are elsewhere or gone are no reason for an error.
    for files in (["root://host//a.root"], [str(tmp_path / "gone.root")]):
        assert absent_sentence(absent, {"A": files}) == beginning
