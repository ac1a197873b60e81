from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest

from pocket.base.containers import write_container
from pocket.errors import ConfigError
from pocket.histograms.raw import RAW
from pocket.io.store import is_complete
from pocket.io.store.manifest import NAME, content_id
from pocket.io.store.packing import contents_of_output, records_to_pack
from tasks.chain.auditing import Audit
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.framework.audits import describe_audit
from tests.law_runner import Run
from tests.tasks.in_process import not_refused, run_here
from tests.tasks.small_chain import Chain, contents

OPTIONS = ("--config", "main", "--share", "1", "--seed", "1", "--events", "30")
WEIGHT = """

def by_muons(params, metadata, events, size, shape_variation):
    return SHIFT(1 + 0.1 * ak.to_numpy(ak.num(events.MuonGood)))


from pocket.weights.base import WeightLambda
BY_MUONS = WeightLambda.wrap_func("by_muons", by_muons)
"""
UNDECLARED = """
import ctypes


def leading_muon(events: Any, params: Any, **kwargs: Any) -> Any:
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    libc.fclose(libc.fopen(b"PLACE", b"r"))
    return ak.firsts(events.MuonGood.pt) > params["pt"]
"""


def audit(chain: Chain, *options: str) -> Run:
    """Audit in this process."""
    return run_here(chain, "Audit", *OPTIONS, *options)


def result(chain: Chain) -> dict[str, Any]:
    """Return the result of the only audit in the store."""
    (file,) = chain.store.glob("small/Audit/*/v1/*/audit.json")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def findings(chain: Chain) -> list[str]:
    return [sentence for output in result(chain)["outputs"] for sentence in output["findings"]]


def rewrite(container: Path, name: str, content: bytes) -> None:
    """Replace a file in an output, with a manifest that belongs to it."""
    folder = container.with_suffix(".unpacked")
    for each, old in contents_of_output(container).items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_bytes(content if each == name else old)
    manifest = json.loads((folder / NAME).read_text())
    (folder / NAME).unlink()
    records = records_to_pack(folder)
    manifest["files"] = {each: vars(record) for each, record in records.items()}
    manifest["id"] = content_id(manifest["task"], records, manifest["info"])
    (folder / NAME).write_text(json.dumps(manifest))
    container.unlink()
    write_container(container, folder, sorted(records, key=lambda each: each != RAW), NAME)
    os.utime(container, ns=(max(record.mtime_ns for record in records.values()),) * 2)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is_wrong(chain: Chain) -> None:
    before = {path: contents(path) for path in chain.outputs("")}
    assert describe_audit(chain.task(MergeOutputs, config="main")) == []
    run = run_here(chain, "Audit", "--share", "1", "--seed", "1", "--events", "30")
    assert run.code == 0, run.text
    found = result(chain)
    families = ("RunProcessor", "MergeOutputs", "ComputeScaleFactors")
    assert found["complete"] == {family: len(chain.outputs(family)) for family in families}
    assert found["not audited"] == []
    assert findings(chain) == []
    assert len(found["outputs"]) == sum(found["complete"].values())
    assert 30 <= found["events"] <= 60
    assert re.search(r"audited +\d{4}-\d\d-\d\d: 100 % of outputs, \d+ events, no difference", run.text)
    # later tasks say so, and nothing else has changed
    ((label, text),) = describe_audit(chain.task(MergeOutputs, config="corrected"))
    assert (label, text) == ("audited", found["summary"])
    assert {path: contents(path) for path in before} == before
    shutil.rmtree(chain.output("MergeOutputs", "main"))
    assert re.search(f"audited +{re.escape(text)}", run_here(chain, "MergeOutputs", "--config", "main").text)
    # and that outputs of other code aren't audited
    chain.edit("parameters.yaml", "pt: 20.0", "pt: 21.0")
    assert describe_audit(chain.task(MergeOutputs, config="main")) == [("audited", "not as it is now")]


@pytest.mark.slow
def test_what_is_not_complete_is_not_audited(chain: Chain) -> None:
    chain.outputs("RunProcessor", "main")[0].unlink()
    run = audit(chain, "--events", "0")
    assert run.code == 0, run.text
    assert "1 of 4 outputs of RunProcessor main not audited, because they aren't complete" in run.text
    assert "1 of 1 output of MergeOutputs main not audited" in run.text
    assert result(chain)["complete"] == {"RunProcessor": 3}
    assert len(chain.outputs("RunProcessor", "main")) == 3


@pytest.mark.slow
def test_damaged_branch_with_a_manifest_that_belongs_to_it(chain: Chain, tmp_path: Path) -> None:
    branch = chain.outputs("RunProcessor", "main")[1]
    raw = tmp_path / RAW
    raw.write_bytes(contents_of_output(branch)[RAW])
    with h5py.File(raw, "r+") as file:
        file["floats"][len(file["floats"]) // 2] += 1.0
    rewrite(branch, RAW, raw.read_bytes())
    assert is_complete(branch)
    run = audit(chain, "--events", "0")
    assert run.code == 30
    (sentence,) = findings(chain)
    assert sentence.startswith(f"{RAW} in {branch} differs in variables ")
    assert sentence.endswith("something stale or damaged was used; remove the output (--remove-output)")
    assert sentence in run.text


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["np.roll", "np.asarray"])
def test_shifted_weight(chain: Chain, shift: str) -> None:
    argument = ", 1)" if shift == "np.roll" else ")"
    text = WEIGHT.replace("SHIFT(", f"{shift}(").replace("events.MuonGood)))", f"events.MuonGood)){argument}")
    chain.edit("__init__.py", "spectra = {", f"import numpy as np\n{text}\nspectra = {{")
    chain.edit("__init__.py", '"main": configure(spectra,', '"main": configure(spectra, BY_MUONS,')
    chain.edit("__init__.py", '{"common": {"inclusive": list(weights)}}', '{"common": {"inclusive": []}}')
    chain.build(MergeOutputs, config="main")
    run = audit(chain)
    found = findings(chain)
    assert (run.code, bool(found)) == ((30, True) if shift == "np.roll" else (0, False)), run.text
    assert all("weight by_muons is " in sentence for sentence in found if sentence.startswith("event "))
    assert all("branch" in line for line in run.text.splitlines() if "weight by_muons" in line)


@pytest.mark.strace
@pytest.mark.slow
def test_undeclared_read_of_a_library(chain: Chain, tmp_path: Path) -> None:
    secret = tmp_path / "thresholds.txt"
    secret.write_text("2")
    text = (chain.analysis / "cuts.py").read_text()
    head, _, rest = text.partition("def leading_muon")
    tail = rest.partition("def get_leading_muon")[2]
    text = f"{head}{UNDECLARED.replace('PLACE', str(secret))}\n\ndef get_leading_muon{tail}"
    (chain.analysis / "cuts.py").write_text(text)
    chain.build(RunProcessor, config="main")
    run = audit(chain, "--events", "0", "--share", "0.1")
    assert run.code == 30, run.text
    (sentence,) = findings(chain)
    assert sentence.startswith(f"uses the file {secret}, in leading_muon in ")
    assert f"{chain.analysis}/cuts.py, line " in sentence


def test_options(chain: Chain) -> None:
    cases = [({"share": 0.0}, "--share is 0.0"), ({"share": 1.5}, "--share is 1.5"), ({"events": -1}, "--events is -1")]
    assert not_refused(lambda **options: chain.task(Audit, **options), cases, ConfigError) == {}
    assert chain.task(Audit, config="m*").configs == ["main"]
    assert chain.task(Audit).configs == ["probes", "main", "corrected"]


def test_audit_of_nothing(chain: Chain) -> None:
    shutil.rmtree(chain.store / "small" / "RunProcessor")
    assert "no output is complete, so there is nothing to audit" in chain.error(Audit, config="main")
