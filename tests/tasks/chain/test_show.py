from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import yaml

from tests.tasks.small_chain import Chain


def show(chain: Chain, *options: str) -> subprocess.Popen[str]:
    """Start ShowConfig, with its output apart from the log."""
    command = ["law", "run", "ShowConfig", "--analysis", str(chain.analysis), *options]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=chain.law.environment, cwd=chain.folder, text=True, **pipes)


def test_output_is_the_configuration_alone(on_files: Chain) -> None:
    process = show(on_files, "--config", "main")
    output, log = process.communicate()
    assert process.returncode == 0, log
    described = json.loads(output)
    assert described["name"] == "main"
    assert described["preselections"][0]["function"]["source"].startswith("small/cuts.py:")
    assert not on_files.store.exists()


def test_parameters_with_those_of_the_command_line(on_files: Chain) -> None:
    output, log = show(on_files, "--what", "parameters", "--params", "leading_muon.pt=33").communicate()
    assert output, log
    assert yaml.safe_load(output)["leading_muon"]["pt"] == 33


def test_reader_may_stop_early(on_files: Chain) -> None:
    with show(on_files, "--what", "parameters") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # before anything was written
        process.stdout.close()
        log = process.stderr.read()
    assert process.returncode == 0, log
    assert "Traceback" not in log
    assert "BrokenPipe" not in log


def test_wrong_name_is_one_sentence(on_files: Chain) -> None:
    process = show(on_files, "--config", "man")
    output, log = process.communicate()
    assert process.returncode != 0
    assert output == ""
    assert "error: unknown configuration 'man' in analysis 'small', did you mean 'main'?" in log
    assert "Traceback" not in log


def test_dumps_lie_beside_the_templates(chain: Chain) -> None:
    folder = chain.output("MergeOutputs", "main")
    config = (folder / "config.json").read_text()
    assert json.loads(config)["name"] == "main"
    # no place of this machine, but for the analysis' own files
    assert sys.prefix not in config
    assert yaml.safe_load((folder / "parameters.yaml").read_text())["leading_muon"]["pt"] > 0


def show_chain(chain: Chain, *options: str) -> str:
    command = ["law", "run", "ShowChain", "--analysis", str(chain.analysis), *options]
    done = subprocess.run(command, env=chain.law.environment, cwd=chain.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_chain_of_an_analysis(on_files: Chain) -> None:
    assert show_chain(on_files) == (
        "small                  analysis\n"
        "└─ datasets.json       datasets\n"
        "   ├─ probes           configuration\n"
        "   │  └─ tight_id      scale factor  EfficiencyRatio\n"
        "   │     └─ corrected  configuration  applies tight_id, compared with main, default\n"
        "   └─ main             configuration\n"
    )
    assert show_chain(on_files, "--format", "mermaid").startswith("flowchart LR\n")
    assert show_chain(on_files, "--format", "svg").startswith("<svg ")
    assert not on_files.store.exists()
