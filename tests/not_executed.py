"""Commands of the documentation that no test executes, and why; ``tests/not_executed.md`` is the list.

python -m tests.not_executed >tests/not_executed.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.pages import ROOT, all_pages, read_blocks

LIST = ROOT / "tests" / "not_executed.md"

#: what a mark ``<!-- walk: needs … -->`` may name → why no test has it, and what is run instead
NEEDS = {
    "CI": ("minutes, for what CI does before the tests", "`.ci/run` has each as a step"),
    "CMS Connect": (
        "a login node and its pool",
        "`tests/services/test_own_store.py`: jobs with a bundle",
    ),
    "CVMFS": ("its folders", "`tests/services/test_missing_python.py`, `tests/services/test_container.py`"),
    "a Dask cluster": ("one that is there", "`docs/how-to/existing_dask_cluster.md` starts one and uses it"),
    "a browser": ("with the packages of Jupyter", "`tests/test_notebooks.py` runs the notebooks"),
    "a folder of a group": ("the rights of a group", "`docs/how-to/share_a_store.md`: all that follows"),
    "a package index": ("a network, and minutes", "`tests/wheel`: a wheel in an environment of its own"),
    "a site": ("a pool whose nodes fit its section", "`tests/services/test_doctor.py`"),
    "all toys": ("a minute", "`tests/test_run3_chain.py`: both at once, on three tenths of the toys"),
    "apptainer": ("the rights to mount images", "`tests/services/test_container.py`"),
    "coffea-casa": ("the facility", "`tests/services/test_dask_facilities.py`"),
    "combine": ("a build of it with ROOT", "`.ci/combine`: `tests/pocket/statistics/cards/test_combine.py`"),
    "corrections": ("several GB of the groups' files", "`tests/tasks/chain/test_comparing.py`"),
    "docker": ("its server", "`tests/services/test_container.py`, by buildah"),
    "hours": ("the time", "`.ci/run` with --all runs all tests, `tests/benchmarks` short measurements"),
    "htcondor": (
        "a pool that sees the checkout",
        "`tests/services/test_dask_htcondor.py` and others",
    ),
    "infn-af": ("the facility", "`tests/services/test_dask_facilities.py`"),
    "lxplus": ("an account at CERN", "`tests/services/test_htcondor_workflow.py`, `tests/services/test_voms.py`"),
    "naf": ("an account at DESY", "`tests/services/test_htcondor_workflow.py`"),
    "podman": ("its command and a registry", "`tests/services/test_container.py`, by buildah"),
    "purdue": ("the facility", "`tests/services/test_dask_facilities.py`: a Dask Gateway"),
    "services": ("HTCondor, Slurm and others", "`.ci/run`"),
    "swan": ("the facility", "`tests/services/test_dask_facilities.py`"),
    "t3-psi": ("an account at PSI", "`tests/services/test_slurm_workflow.py`"),
    "the OSPool": ("a project", "`tests/services/test_own_store.py`, `tests/services/test_bundle.py`"),
    "the grid": ("a proxy, and files at sites", "`tests/services/test_remote_datasets.py`, `tests/tasks/chain`"),
}


def table(*rows: tuple[str, ...]) -> list[str]:
    """Return the lines of a table, the first row as its head."""
    head, *others = rows
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *others)]


def commands() -> Iterator[tuple[str, str, str]]:
    """Yield page, command and need of each command that is marked."""
    for page in all_pages():
        for block in read_blocks(page):
            if "needs" in block.marks:
                text = re.sub(r"\\\n *", "", block.text).replace("|", "\\|")
                for line in text.strip().splitlines():
                    command = re.sub(r"  +#.*", "", line).strip()
                    yield page.relative_to(ROOT).as_posix(), command, block.marks["needs"]


def listed() -> str:
    """Return the content of the list.

    Raises:
        KeyError: a mark names what isn't known.
    """
    rows = [(f"`{page}`", f"`{command}`", needs) for page, command, needs in commands()]
    named = sorted({need for *_, needs in rows for need in needs.split(", ")})
    lines = [
        "# Commands that no test executes",
        "",
        "All other commands of README, docs, CONTRIBUTING and benchmarks are run as they are written, by",
        "`tests/test_commands.py`, `tests/test_tutorials.py` and `tests/test_how_to.py`.",
        "`python -m tests.not_executed >tests/not_executed.md` writes this list.",
        "",
        *table(("Page", "Command", "Needs"), *rows),
        "",
        *table(("Need", "Which is", "What is run instead"), *((need, *NEEDS[need]) for need in named)),
    ]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    print(listed(), end="")
