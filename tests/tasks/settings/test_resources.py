from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import law
import luigi
import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.settings.options import DIALS, read_resources, resource_names
from tests.tasks.small_chain import Chain


@pytest.fixture
def mine() -> Iterator[None]:
    """Add a preset with all dials to law.cfg, each with another number."""
    law.config.update({"resources_mine": {name: str(number) for number, name in enumerate(DIALS, 11)}})
    yield
    law.config.remove_section("resources_mine")


def test_shipped_presets() -> None:
    assert resource_names() == ["default", "small", "large"]
    assert read_resources("default") == {}
    # A laptop does with less than the default of each dial.
    usual = dict(PlotTemplates.get_params())
    assert all(number != usual[name].task_value("", name) for name, number in read_resources("small").items())
    assert read_resources("large")["events_per_branch"] > usual["events_per_branch"].task_value("", "")


@pytest.mark.usefixtures("mine")
def test_a_preset_sets_all_dials_of_the_chain_and_no_output(chain: Chain) -> None:
    preset = read_resources("mine")
    # The chain has small branches, which are given as an option.
    events = {"events_per_branch": preset["events_per_branch"]}
    plots, usual = chain.task(PlotTemplates, resources="mine", **events), chain.task(PlotTemplates)
    processors = {task for task, *_ in plots.walk_deps() if isinstance(task, RunProcessor)}
    assert processors
    for task in (plots, *processors):
        assert {name: getattr(task, name) for name in DIALS} == preset
    assert plots.directory == usual.directory
    assert {task.directory for task in processors} == {
        task.directory for task, *_ in usual.walk_deps() if isinstance(task, RunProcessor)
    }
    same = chain.task(PlotTemplates, resources="default")
    assert same.to_str_params() == usual.to_str_params()


@pytest.mark.usefixtures("mine")
def test_an_option_wins_even_if_it_is_the_default(chain: Chain) -> None:
    task = chain.task(MergeOutputs, config="main", resources="mine", chunk_memory=1000, threads=3)
    assert (task.chunk_memory, task.threads, task.cores) == (1000, 3, read_resources("mine")["cores"])
    (processor,) = {each for each, *_ in task.walk_deps() if isinstance(each, RunProcessor)}
    assert (processor.chunk_memory, processor.threads) == (1000, 3)
    # so does an option for one task only
    luigi.configuration.get_config().set("MergeOutputs", "threads", "5")
    try:
        assert chain.task(MergeOutputs, config="main", resources="mine").threads == 5
    finally:
        luigi.configuration.get_config().remove_section("MergeOutputs")


@pytest.mark.usefixtures("mine")
def test_events_of_a_limited_run_are_those_without_a_preset(chain: Chain) -> None:
    def folder(**options: object) -> Path:
        return Path(chain.task(RunProcessor, config="main", **options).directory)

    for limit in ({"test": True}, {"limit_chunks": 2}):
        assert folder(resources="mine", **limit) == folder(**limit)
        # control: the size of chunks decides which events are read
        assert folder(chunk_size=read_resources("mine")["chunk_size"], **limit) != folder(**limit)


@pytest.mark.usefixtures("mine")
def test_a_file_with_run_options_wins(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("chunksize: 4321\n")
    task = chain.task(RunProcessor, config="main", resources="mine", custom_run_options=str(file))
    assert (task.chunk_size, task.threads) == (4321, read_resources("mine")["threads"])


def test_unknown_presets_and_wrong_sections(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match="unknown resources 'smal' in --resources, did you mean 'small'"):
        chain.task(PlotTemplates, resources="smal")
    for section, error, sentence in (
        ({"chunk_sise": "1"}, UnknownNameError, r"'chunk_sise' in \[resources_wrong\] of law.cfg, did you mean 'chu"),
        ({"cores": "two"}, ConfigError, r"^cores = two in \[resources_wrong\] of law.cfg, expected an integer of 0 or"),
        ({"threads": "0"}, ConfigError, "^--threads is 0, expected 1 or more"),
    ):
        law.config.update({"resources_wrong": section})
        try:
            with pytest.raises(error, match=sentence):
                chain.task(PlotTemplates, resources="wrong")
        finally:
            law.config.remove_section("resources_wrong")
