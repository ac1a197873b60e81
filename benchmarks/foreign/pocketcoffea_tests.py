"""PocketCoffea's own tests, run through :mod:`pocket.compat` with their import lines as they are.

``python -m benchmarks.foreign.pocketcoffea_tests FOLDER …`` runs the tests of a clone of PocketCoffea. Tests
of its command line, of its job files and of its internals are skipped with the reason; all others must pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocket.parameters.defaults import project_root

_JOBS = "job files of PocketCoffea's own submission; here, law submits"
_SCRIPT = "command line of PocketCoffea"
#: Part of a test's id → why it isn't run, the first that fits.
NOT_RUN: Mapping[str, str] = {
    "test_full_configs": "configurations, which benchmarks.foreign_configurations tries on both sides",
    "test_check_jobs_progress": _JOBS,
    "test_inner_run_options": _JOBS,
    "test_job_script": _JOBS,
    "test_manual_jobs_splitting": _JOBS,
    "test_recreate_jobs_blocklist": _JOBS,
    "test_dataset_query_metadata": _SCRIPT,
    "test_merge_hadd": _SCRIPT,
    "test_runner": _SCRIPT,
    "test_update_cvmfs_corrections": "script of PocketCoffea's maintainers",
    "test_skim_sumgenweights_recovery": "internals of its skims; here, SkimEvents keeps the sums of the original files",
    "test_stat_datacards": "datacards, which are not written here",
    "test_categorization.py": "internals: masks of cuts are stored in another way",
    "test_cartesian_serialize_without_common_cats": "internals: what a configuration declares is dumped in another way",
    "test_weights_subsample_followup.py": "internals: columns are collected in another way",
    "test_correction_cache": "internals: a file of corrections is read again when it changes",
    "test_genWeight": "internals: weights may return arrays, too",
    "test_XS": "internals: cross sections are applied when outputs are merged",
}


def reason(test: str) -> str:
    """Return why a test isn't run, empty if it is.

    Args:
        test: id of the test, with its file.
    """
    return next((sentence for part, sentence in NOT_RUN.items() if part in test), "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests from the command line; further arguments are pytest's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="clone of PocketCoffea")
    parser.add_argument("--files", type=Path, required=True, help="folder with mc_run2.root, data_run2.root, …")
    parser.add_argument("--corrections", type=Path, required=True, help="folder with POG/{group}/{era}")
    options, further = parser.parse_known_args(arguments)
    environment = {
        **os.environ,
        "FOREIGN_FILES": str(options.files.resolve()),
        "POCKET_CORRECTIONS": str(options.corrections.resolve()),
        # The clone has a package called tests as well, so it must not be found in this project.
        "PYTHONPATH": str(project_root()),
    }
    settings = ["-p", "benchmarks.foreign.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull, "-rs"]
    for part, sentence in NOT_RUN.items():
        print(f"not run: {part}: {sentence}")
    command = [sys.executable, "-m", "pytest", "--rootdir", str(options.folder), *settings]
    return subprocess.run([*command, *further, "tests"], cwd=options.folder, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
