"""Numbers of cuts that numba compiles, in whole runs that follow each other, against the same cuts in plain Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocket.histograms.files import read_templates
from tests.law_runner import Law
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

FILES = {
    "constants.py": "THRESHOLD = 20.0\n",
    "helpers.py": """
import numba

LIMIT = 90.0


@numba.njit(cache=True)
def is_below(pt):
    return pt < LIMIT
""",
    "kernels.py": """
import awkward as ak
import numba
import numpy as np

from pocket.cuts.cut import Cut

from .constants import THRESHOLD
from .helpers import LIMIT, is_below

FROM_PARAMETERS = 0.0


@numba.njit(cache=True)
def passes(pt, result):
    for place in range(len(pt)):
        result[place] = pt[place] > THRESHOLD and is_below(pt[place]) and pt[place] != FROM_PARAMETERS
    return result


@numba.vectorize(["boolean(float64)"], cache=True)
def passes_at_once(pt):
    return pt > THRESHOLD and pt < LIMIT


def leading(events):
    return np.asarray(ak.fill_none(ak.firsts(events.MuonGood.pt), 0.0), dtype=np.float64)


def compiled(events, params, **kwargs):
    pt = leading(events)
    return passes(pt, np.empty(len(pt), dtype=np.bool_)) & passes_at_once(pt)


def plain(events, params, **kwargs):
    pt = leading(events)
    return (pt > THRESHOLD) & (pt < LIMIT) & (pt != FROM_PARAMETERS)


cuts = [Cut(name=function.__name__, params={}, function=function) for function in (compiled, plain)]
""",
}


@pytest.fixture
def compiled_chain(finished: tuple[Chain, Path], tmp_path: Path) -> Chain:
    """The small chain with a cut that is compiled and with one that isn't, each in a category."""
    _, copy = finished
    chain = Chain.make(tmp_path, copy / "law" / "index")
    for name, content in FILES.items():
        (chain.analysis / name).write_text(content)
    chain.edit("__init__.py", "from .cuts", "from . import kernels\nfrom .cuts")
    chain.edit("__init__.py", "class Muon", "kernels.FROM_PARAMETERS = parameters.leading_muon.pt\n\n\nclass Muon")
    chain.edit(
        "__init__.py",
        '{"baseline": [passthrough]}',
        '{"baseline": [passthrough], **{c.name: [c] for c in kernels.cuts}}',
    )
    return chain


def passed(chain: Chain, known: set[Path]) -> float:
    """Return the number of data in the category with the compiled cut, which is that of the plain cut."""
    (output,) = set(chain.outputs("MergeOutputs", "main")) - known or {chain.outputs("MergeOutputs", "main")[-1]}
    sums = {}
    for sample, histogram in read_templates(output, "npvs").items():
        values = {
            name: np.sum(histogram[{"cat": name}].values(flow=True)) for name in ("compiled", "plain", "baseline")
        }
        assert values["compiled"] == values["plain"]
        sums[sample] = values["compiled"]
    return float(sums["DATA_SingleMuon"])


@pytest.mark.parametrize("snapshot", ["1", "0"])
def test_each_run_has_the_numbers_of_its_own_code(compiled_chain: Chain, snapshot: str) -> None:
    chain = compiled_chain

    def run() -> float:
        before = set(chain.outputs("MergeOutputs", "main"))
        arguments = chain.arguments("MergeOutputs", "--config", "main", "--cores", "2")
        made = Law(chain.folder, {"POCKET_SNAPSHOT": snapshot}).run(*arguments)
        assert made.code == 0, made.text
        return passed(chain, before)

    found = [run()]
    chain.edit("constants.py", "20.0", "60.0")
    found.append(run())
    chain.edit("helpers.py", "90.0", "70.0")
    found.append(run())
    assert sorted(set(found), reverse=True) == found
    chain.edit("constants.py", "60.0", "20.0")
    chain.edit("helpers.py", "70.0", "90.0")
    # the outputs of the first run are there, so that only another version computes them again
    arguments = chain.arguments("MergeOutputs", "--config", "main", "--version", "v2")
    assert Law(chain.folder, {"POCKET_SNAPSHOT": snapshot}).run(*arguments).code == 0
    (again,) = (path for path in chain.outputs("MergeOutputs", "main") if "v2" in path.parts)
    assert passed(chain, set(chain.outputs("MergeOutputs", "main")) - {again}) == found[0]
