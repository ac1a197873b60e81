from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import pytest

from pocket.base.containers import write_container
from pocket.errors import ConfigError
from pocket.histograms.raw import RAW, read_raw, write_raw
from pocket.io.store import FileRecord, is_complete
from pocket.io.store.manifest import NAME, content_id
from pocket.io.store.packing import contents_of_output, records_to_pack
from tasks.chain import auditing
from tasks.chain.auditing import Audit
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.framework.audits import describe_audit
from tests.law_runner import Law, Run
from tests.tasks.in_process import not_refused, run_here
from tests.tasks.small_chain import Chain, contents

OPTIONS = ("--config", "main", "--share", "1", "--seed", "1", "--events", "30")
WEIGHT = """

def by_muons(params, metadata, events, size, shape_variation):
    return SHIFT(1 + 0.1 * ak.to_numpy(ak.num(events.MuonGood)))


from pocket.weights.base import WeightLambda
BY_MUONS = WeightLambda.wrap_func("by_muons", by_muons)
"""
COMPILED = """
import numba
import numpy as np

OFFSET = 10.0


@numba.njit(cache=True)
def is_above(pt, least):
    return pt > least + OFFSET


def leading_muon(events: Any, params: Any, **kwargs: Any) -> Any:
    pt = ak.fill_none(ak.firsts(events.MuonGood.pt), 0.0)
    return is_above(np.asarray(pt, dtype=np.float64), params["pt"])
"""
UNDECLARED = """
import ctypes
import tempfile


def leading_muon(events: Any, params: Any, **kwargs: Any) -> Any:
    with tempfile.TemporaryDirectory():  # what is read of it is no input
        pass
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    libc.fclose(libc.fopen(b"PLACE", b"r"))
    return ak.firsts(events.MuonGood.pt) > params["pt"]
"""


@pytest.fixture(autouse=True, scope="module")
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes of all audits in this process share what they compile, as those of one audit do."""
    kept = tmp_path_factory.mktemp("audits")

    @contextmanager
    def folder(prefix: str) -> Iterator[str]:
        yield str(kept)
        for path in kept.iterdir():
            if path.name != "kept":
                shutil.rmtree(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditing, "tempfile", SimpleNamespace(TemporaryDirectory=folder))
        yield


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


def replace_leading_muon(chain: Chain, text: str) -> None:
    """Replace the function of the cut on the leading muon."""
    head, _, rest = (chain.analysis / "cuts.py").read_text().partition("def leading_muon")
    tail = rest.partition("def get_leading_muon")[2]
    (chain.analysis / "cuts.py").write_text(f"{head}{text}\n\ndef get_leading_muon{tail}")


def renew_manifest(folder: Path) -> dict[str, FileRecord]:
    """Write a manifest that belongs to the files of a folder, and return its records."""
    manifest = json.loads((folder / NAME).read_text())
    (folder / NAME).unlink()
    records = records_to_pack(folder)
    manifest["files"] = {each: vars(record) for each, record in records.items()}
    manifest["id"] = content_id(manifest["task"], records, manifest["info"])
    for each, record in records.items():
        os.utime(folder / each, ns=(record.mtime_ns,) * 2)
    (folder / NAME).write_text(json.dumps(manifest))
    return records


def rewrite(container: Path, name: str, content: bytes) -> None:
    """Replace a file in an output, with a manifest that belongs to it."""
    folder = container.with_suffix(".unpacked")
    for each, old in contents_of_output(container).items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_bytes(content if each == name else old)
    records = renew_manifest(folder)
    container.unlink()
    write_container(container, folder, sorted(records, key=lambda each: each != RAW), NAME)
    os.utime(container, ns=(max(record.mtime_ns for record in records.values()),) * 2)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is_wrong(chain: Chain) -> None:
    before = {path: contents(path) for path in chain.outputs("")}
    assert describe_audit(chain.task(MergeOutputs, config="main")) == []
    # all outputs are audited where some of them are wrong
    run = run_here(chain, "Audit", "--share", "0.3", "--seed", "1", "--events", "30")
    assert run.code == 0, run.text
    found = result(chain)
    families = ("RunProcessor", "MergeOutputs", "ComputeScaleFactors")
    assert found["complete"] == {family: len(chain.outputs(family)) for family in families}
    assert found["not audited"] == []
    assert findings(chain) == []
    number, complete = len(found["outputs"]), sum(found["complete"].values())
    assert number == sum(math.ceil(0.3 * there) for there in found["complete"].values())
    assert 30 <= found["events"] <= 60
    share = rf"{100 * number / complete:.3g} % of {complete} complete outputs"
    assert re.search(rf"audited +\d{{4}}-\d\d-\d\d: {share}, \d+ events, no diff", run.text)
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
    assert ": 100 % of 3 complete outputs, 0 events, no difference" in run.text
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
def test_consistently_changed_outputs(chain: Chain, tmp_path: Path) -> None:
    """Faults that were chosen without having read the audit, after which everything counts as complete."""
    # A scale factor, which is applied before anyone looks.
    measured = chain.output("ComputeScaleFactors", "tight_id")
    file = measured / "tight_id.json"
    content, changed = re.subn(
        r'("content": ?\[\s*)([\d.]+)', lambda found: f"{found[1]}{1.02 * float(found[2])}", file.read_text()
    )
    assert changed
    file.write_text(content)
    renew_manifest(measured)
    chain.build(MergeOutputs, config="corrected")
    # The sum of generator weights of a branch, by which its dataset is divided.
    summed = next(path for path in chain.outputs("RunProcessor", "corrected") if "DYJetsToMuMu" in str(path))
    (tmp_path / RAW).write_bytes(contents_of_output(summed)[RAW])
    output = read_raw(tmp_path)
    output["sum_genweights"] = {dataset: 2 * value for dataset, value in output["sum_genweights"].items()}
    write_raw(tmp_path, output)
    rewrite(summed, RAW, (tmp_path / RAW).read_bytes())
    chain.build(MergeOutputs, config="corrected")
    # Two branches of a dataset, each in the place of the other.
    exchanged = [path for path in chain.outputs("RunProcessor", "main") if "DATA" in str(path)]
    contents_before = [contents_of_output(path)[RAW] for path in exchanged]
    for path, raw in zip(exchanged, reversed(contents_before), strict=True):
        rewrite(path, RAW, raw)
    chain.build(MergeOutputs, config="main")
    # One bin of the templates.
    merged = chain.output("MergeOutputs", "main")
    with h5py.File(merged / "histograms.h5", "r+") as templates:
        values = templates["npvs/DATA_SingleMuon/DATA_SingleMuon_toys/storage/values"]
        values[0, 7] += 1.0
    renew_manifest(merged)
    assert all(map(is_complete, (measured, summed, *exchanged, merged)))
    run = run_here(chain, "Audit", "--share", "1", "--seed", "1", "--events", "0")
    assert run.code == 30
    wrong = {
        f"tight_id.json in {measured} differs in corrections ",
        f"{RAW} in {summed} differs in sum_genweights DYJetsToMuMu_toys ",
        *(f"{RAW} in {path} differs in " for path in exchanged),
        f"histograms.h5 in {merged} differs in npvs/DATA_SingleMuon/DATA_SingleMuon_toys/storage/values ",
    }
    found = findings(chain)
    assert {start for start in wrong if any(sentence.startswith(start) for sentence in found)} == wrong, found
    assert all(
        any(place in sentence for place in map(str, (measured, summed, *exchanged, merged))) for sentence in found
    )


@pytest.mark.slow
def test_stale_compiled_function(chain: Chain, tmp_path: Path) -> None:
    """The compiled code of an earlier version of a function, in the file in which today's version is looked for."""
    law = Law(chain.folder, {"POCKET_SNAPSHOT": "0", "NUMBA_CACHE_DIR": str(tmp_path)})

    def compiled() -> tuple[Path, dict[str, bytes]]:
        before = {*chain.outputs("MergeOutputs", "main")}, {*tmp_path.rglob("*.nbc")}
        run = law.run(*chain.arguments("MergeOutputs", "--config", "main", "--cores", "1"))
        assert run.code == 0, run.text
        (code,) = (path for path in {*tmp_path.rglob("*is_above*.nbc")} - before[1])
        (output,) = {*chain.outputs("MergeOutputs", "main")} - before[0]
        return code, contents(output)

    replace_leading_muon(chain, COMPILED)
    earlier, _ = compiled()
    chain.edit("cuts.py", "OFFSET = 10.0", "OFFSET = 0.0")
    today, right = compiled()
    assert earlier != today
    today.write_bytes(earlier.read_bytes())
    for output in ("RunProcessor", "MergeOutputs"):
        shutil.rmtree(chain.store / "small" / output / "main")
    run = law.run(*chain.arguments("MergeOutputs", "--config", "main", "--cores", "1"))
    assert run.code == 0, run.text
    stale = chain.output("MergeOutputs", "main")
    assert contents(stale)["histograms.h5"] != right["histograms.h5"]
    run = law.run(*chain.arguments("Audit", *OPTIONS[:-1], "0"))
    assert run.code == 30, run.text
    branches = chain.outputs("RunProcessor", "main")
    found = findings(chain)
    assert {path for path in branches if any(one.startswith(f"{RAW} in {path} differs in ") for one in found)} == {
        *branches
    }
    assert all(
        one.endswith("something stale or damaged was used; remove the output (--remove-output)") for one in found
    )


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
    replace_leading_muon(chain, UNDECLARED.replace("PLACE", str(secret)))
    chain.build(RunProcessor, config="main")
    run = audit(chain, "--events", "2", "--share", "0.1")
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
