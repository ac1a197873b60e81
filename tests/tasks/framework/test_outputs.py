"""Current outputs, found from Python."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.interactive import read_templates
from pocket.io.store import read_manifest
from tasks import Output, find
from tasks.framework import outputs
from tests.tasks.small_chain import Chain


def found(chain: Chain, task: str, **parameters: object) -> Output:
    """Return an output of the chain."""
    given = {"analysis": chain.analysis, "version": "v1", "events_per_branch": 1000}
    return find(task, **given | parameters)


def files_of(folder: Path) -> dict[str, int]:
    """Return the files below a folder with their times."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_current_output(chain: Chain) -> None:
    before = files_of(chain.store)
    output = found(chain, "MergeOutputs", config="corrected")
    folder = chain.output("MergeOutputs", "corrected")
    assert output.path == folder == Path(output)
    assert output.is_complete
    assert output.manifest == read_manifest(folder)
    assert output.manifest is not None
    assert repr(output) == f"MergeOutputs corrected: complete, made {output.manifest.created}\n{folder}"
    assert files_of(chain.store) == before
    assert (
        output.command
        == f"law run MergeOutputs --analysis {chain.analysis} --version v1 --events-per-branch 1000 --config corrected"
    )
    assert found(chain, "ComputeScaleFactors", scale_factor="tight_id").is_complete
    # the default configuration, and values as on the command line
    assert found(chain, "MergeOutputs", events_per_branch="1000") == output


def test_workflow_and_its_branches(chain: Chain) -> None:
    output = found(chain, "RunProcessor", config="main")
    branches = chain.outputs("RunProcessor", "main")
    assert output.is_complete
    assert output.manifest is None
    assert {output.path} == {branch.parents[1] for branch in branches}
    branch = found(chain, "RunProcessor", config="main", branch=0)
    assert branch.path in branches
    branch.path.unlink()
    assert found(chain, "RunProcessor", config="main", branch=0).state == "would run"
    again = found(chain, "RunProcessor", config="main")
    assert not again.is_complete
    assert again.state == f"{len(branches) - 1} of {len(branches)} branches"


def test_edits_and_other_parameters_count(chain: Chain) -> None:
    output = found(chain, "MergeOutputs", config="main")
    other = found(chain, "MergeOutputs", config="main", params={"leading_muon.pt": 21.0})
    assert (other.state, other.is_complete, other.manifest) == ("would run", False, None)
    with pytest.raises(
        ConfigError, match=r"output of MergeOutputs main is absent: law run .* --config main .*muon.pt=21.0 makes it"
    ):
        read_templates(other)
    assert other.path.parent == output.path.parent
    chain.edit("parameters.yaml", "pt: 20.0", "pt: 21.0")
    assert found(chain, "MergeOutputs", config="main").path == other.path
    chain.edit("parameters.yaml", "pt: 21.0", "pt: 20.0")
    assert found(chain, "MergeOutputs", config="main") == output


def test_output_made_from_others_than_those_now_there(chain: Chain) -> None:
    branch = chain.outputs("RunProcessor", "main")[0]
    branch.unlink()
    output = found(chain, "MergeOutputs", config="main")
    assert not output.is_complete
    assert output.manifest is not None
    assert output.state == "may run: unless the result of RunProcessor main stays the same"


@pytest.mark.parametrize(
    ("task", "parameters", "error"),
    [
        ("MergeOutput", {}, "unknown task 'MergeOutput', did you mean 'MergeOutputs'"),
        ("MergeOutputs", {"conf": "main"}, "unknown parameter 'conf' in MergeOutputs, did you mean 'config'"),
        ("MergeOutputs", {"config": "mian"}, "unknown configuration 'mian' in analysis 'small', did you mean 'main'"),
        ("ComputeScaleFactors", {}, "ComputeScaleFactors needs scale_factor, e.g. scale_factor=…"),
        ("MergeOutputs", {"chunk_size": "many"}, "chunk_size of MergeOutputs is 'many': "),
    ],
)
def test_wrong_names(task: str, parameters: dict[str, object], error: str, chain: Chain) -> None:
    with pytest.raises((ConfigError, UnknownNameError)) as raised:
        found(chain, task, **parameters)
    assert error in str(raised.value)


def test_example_of_the_docstring() -> None:
    found = doctest.testmod(outputs)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    "content", ["", "[core]\ninherit: $POCKET_ENGINE/law.cfg\n[pocketlaw]\ndefault_analysis: mine\n"]
)
def test_law_that_is_not_set_up(content: str, tmp_path: Path) -> None:
    (tmp_path / "law.cfg").write_text(content)
    absent = ("LAW_CONFIG_FILE", "LAW_HOME", "POCKET_ENGINE")
    environment = {name: value for name, value in os.environ.items() if name not in absent}
    root = str(Path(__file__).parents[3])
    environment |= {"PYTHONPATH": root, "HOME": str(tmp_path)}
    code = "import sys, tasks\nassert 'law' not in sys.modules\ntasks.find('MergeOutputs', version='v1')"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.strip().endswith(
        "ConfigError: law finds no law.cfg of Pocketlaw: start Python in a shell that has sourced setup.sh"
    )
