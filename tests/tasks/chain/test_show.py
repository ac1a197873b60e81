from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import yaml

from tasks.chain.show import ShowChain, ShowConfig
from tests.tasks.in_process import Here
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
    text = ShowConfig(analysis=str(on_files.analysis), what="parameters", params=("leading_muon.pt=33",)).text()
    assert yaml.safe_load(text)["leading_muon"]["pt"] == 33


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
    run = Here(on_files.folder).run("ShowConfig", "--analysis", str(on_files.analysis), "--config", "man")
    assert run.code != 0
    assert run.text == "error: unknown configuration 'man' in analysis 'small', did you mean 'main'?\n"


def test_dumps_lie_beside_the_templates(chain: Chain) -> None:
    folder = chain.output("MergeOutputs", "main")
    config = (folder / "config.json").read_text()
    assert json.loads(config)["name"] == "main"
    # no place of this machine, but for the analysis' own files
    assert sys.prefix not in config
    assert yaml.safe_load((folder / "parameters.yaml").read_text())["leading_muon"]["pt"] > 0


def test_chain_of_an_analysis(on_files: Chain) -> None:
    run = Here(on_files.folder).run("ShowChain", "--analysis", str(on_files.analysis))
    assert run.code == 0, run.text
    assert run.text == (
        "small                  analysis\n"
        "└─ datasets.json       datasets\n"
        "   ├─ probes           configuration\n"
        "   │  └─ tight_id      scale factor  EfficiencyRatio\n"
        "   │     └─ corrected  configuration  applies tight_id, compared with main, default\n"
        "   └─ main             configuration\n"
    )
    mermaid, svg = (ShowChain(analysis=str(on_files.analysis), format=form).text() for form in ("mermaid", "svg"))
    assert mermaid.startswith("flowchart LR\n")
    assert svg.startswith("<svg ")
    assert not on_files.store.exists()
