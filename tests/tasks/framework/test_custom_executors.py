"""Custom executor files as PocketCoffea's users have them, in runs of the small analysis."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.chain.processing import RunProcessor
from tasks.framework.custom_executors import CustomExecutorFactory
from tasks.framework.executors import chosen_executor
from tests.facility import Facility
from tests.tasks.framework.test_executors import run_again
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

#: derives from the class of a site, and registers a plugin with the workers
OF_A_SITE = """
from dask.distributed import Worker, WorkerPlugin
from pocket_coffea.executors.executors_T3_CH_PSI import DaskExecutorFactory
from names import SESSION

class SessionPlugin(WorkerPlugin):
    def __init__(self, path):
        self.path = path

    async def setup(self, worker: Worker):
        worker.data[SESSION] = self.path

class SessionExecutorFactory(DaskExecutorFactory):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def setup(self):
        super().setup()
        self.dask_client.register_worker_plugin(SessionPlugin(self.run_options.get("model", None)))
        self.dask_client.wait_for_workers(2)
        assert list(self.dask_client.run(lambda dask_worker: dask_worker.data[SESSION]).values()) == 2 * ["model.onnx"]
        assert self.outputdir
        print("the session is there,", self.run_options["tree-reduction"], self.run_options["mem-per-worker"])

def get_executor_factory(executor_name, **kwargs):
    return SessionExecutorFactory(**kwargs)
"""
#: makes a client of its own
OF_ITS_OWN = """
from coffea import processor as coffea_processor
from dask.distributed import Client
from pocket_coffea.executors.executors_cern_swan import DaskExecutorFactory

class InteractiveExecutorFactory(DaskExecutorFactory):
    def __init__(self, run_options, outputdir, **kwargs):
        self.sched_url = run_options["sched-url"]
        super().__init__(run_options, outputdir, **kwargs)

    def setup(self):
        self.dask_client = Client(address=self.sched_url)

    def customized_args(self):
        args = super().customized_args()
        args["client"] = self.dask_client
        args["retries"] = self.run_options["retries"]
        return args

    def get(self):
        return coffea_processor.dask_executor(**self.customized_args())

    def close(self):
        self.dask_client.close()
        print("the client is closed")

def get_executor_factory(executor_name, **kwargs):
    return InteractiveExecutorFactory(**kwargs)
"""


def write(folder: Path, text: str, options: str = "scaleout: 2\n") -> tuple[str, ...]:
    """Write an executor file and its run options, and return the options of the command line."""
    (folder / "executor.py").write_text(text)
    (folder / "names.py").write_text('SESSION = "model_session"\n')
    (folder / "run.yaml").write_text(options)
    return (
        *("--executor-custom-setup", str(folder / "executor.py")),
        *("--custom-run-options", str(folder / "run.yaml")),
    )


def test_cluster_of_a_site(chain: Chain, tmp_path: Path) -> None:
    options = write(tmp_path, OF_A_SITE, "model: model.onnx\nmem-per-worker: 3GB\nqueue: short\nscaleout: 1\n")
    run = run_again(chain, "--executor", "dask", *options, "--cluster", "local")
    assert "the session is there, 20 3GB" in run.text
    assert "note:" not in run.text


def test_client_of_its_own(chain: Chain, tmp_path: Path, facility: Facility) -> None:
    run = run_again(chain, *write(tmp_path, OF_ITS_OWN, f"sched-url: {facility.address}\n"))
    assert "the client is closed" in run.text


@pytest.mark.parametrize("executor", ["iterative", "futures"])
def test_processes_of_this_machine(chain: Chain, tmp_path: Path, executor: str) -> None:
    text = "from pocket_coffea.executors.executors_lxplus import get_executor_factory\n"
    run_again(chain, "--executor", executor, *write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "def get_executor_factory(name, **kwargs): ...",
            r"get_executor_factory\('futures'\) gives None, expected",
        ),
        (
            "from pocket_coffea.executors.executors_base import ExecutorFactoryABC\n"
            "def get_executor_factory(name, **kwargs):\n    return ExecutorFactoryABC(**kwargs)\n",
            r"gives ExecutorFactoryABC, expected a factory with a dask_client, or one for iterative or futures",
        ),
        (
            "def get_executor_factory(name, run_options, outputdir):\n    return run_options['queue']\n",
            r"executor\.py:2: KeyError: 'queue'",
        ),
        (
            "from pocket_coffea.executors.executors_lxplus import setup_dask\n"
            "def get_executor_factory(name, **kwargs):\n    setup_dask()\n",
            r"executors_lxplus\.setup_dask of PocketCoffea isn't here: choose an executor",
        ),
    ],
)
def test_what_is_no_factory_is_refused(chain: Chain, tmp_path: Path, text: str, sentence: str) -> None:
    _, file, *_ = write(tmp_path, text)
    task = chain.task(RunProcessor, config="main", executor_custom_setup=file)
    cls, options = chosen_executor(task.param_kwargs)
    factory = cls({**options, "cores": 1, "analysis": str(chain.analysis), "log_folder": str(tmp_path / "logs")})
    assert isinstance(factory, CustomExecutorFactory)
    with pytest.raises(ConfigError, match=sentence):
        factory.setup()
    factory.close()


def test_mistakes_are_found_at_once(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--executor-custom-setup none\.py: there is no such file"):
        chain.task(RunProcessor, config="main", executor_custom_setup="none.py")
    _, file, *_ = write(tmp_path, "print('nothing')")
    with pytest.raises(ConfigError, match=r"executor\.py has no function get_executor_factory"):
        chain.task(RunProcessor, config="main", executor_custom_setup=file)
    _, file, *_ = write(tmp_path, OF_A_SITE)
    with pytest.raises(ConfigError, match="--executor-custom-setup is for --workflow local, not htcondor"):
        chain.task(RunProcessor, config="main", executor_custom_setup=file, workflow="htcondor")
    with pytest.raises(UnknownNameError, match="unknown cluster 'slarm'"):
        chain.task(RunProcessor, config="main", executor_custom_setup=file, cluster="slarm")
    branch = chain.task(RunProcessor, config="main", executor_custom_setup=file).as_branch(0)
    assert branch.executor_custom_setup != file
