from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import uproot

from benchmarks.foreign.try_configuration import skim_events
from pocket.cuts.library import get_nObj_min
from pocket.datasets.branches import split
from pocket.datasets.build import inspect_file
from pocket.datasets.fileset import Fileset
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from tests.pocket.compat.test_workflow import configure
from tests.pocket.configs import DY, metadata


def test_a_configuration_that_only_skims_is_compared_by_its_events(tmp_path: Path) -> None:
    path = tmp_path / "dy.root"
    toys = ToyConfig.from_params(to_plain(get_default_parameters())["toys"])
    write_nanoaod(path, generate("dy", 50, toys, part=0), file_uuid=uuid.uuid4())
    config = configure(skim=[get_nObj_min(1, coll="Muon")], save_skimmed_files="skims", variables={})
    skim = config.own_skim("main")
    assert skim is not None
    info, size = inspect_file(path)
    fileset: Fileset = {
        DY: {"metadata": {**metadata(config, DY), "nevents": 50, "size": size}, "files": {str(path): info}}  # type: ignore[typeddict-item]
    }
    request = {"output": str(tmp_path), "chunk_size": 1000}
    output, columns = skim_events(config, skim, split(fileset, 1000), fileset, request)
    with uproot.open(path) as file:
        events = file["Events"].arrays(["event", "nMuon", "genWeight"], library="np")
    kept = events["nMuon"] > 0
    assert output["cutflow"] == {"initial": {DY: 50}, "skim": {DY: kept.sum()}}
    assert output["sum_genweights"][DY] == pytest.approx(events["genWeight"].sum(dtype=float))
    assert columns[f"DY/{DY}/skim/nominal/event"].tolist() == events["event"][kept].tolist()
    scaled = columns[f"DY/{DY}/skim/nominal/genWeight"] * columns[f"DY/{DY}/skim/nominal/skimRescaleGenWeight"]
    assert scaled.sum() == pytest.approx(output["sum_genweights"][DY], rel=1e-5)
