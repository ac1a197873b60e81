"""Slurm on this machine, with all that belongs to it in one folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.services.processes import service
from tests.services.xrootd_servers import free_port

#: jobs that need more memory than they asked for are killed, as cgroups do it; KillWait and the scheduler are quick
CONFIG = """\
ClusterName=pocketlaw
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=localhost CPUs=4 RealMemory=16000 TmpDisk=8000 Gres=gpu:1
PartitionName=main Nodes=localhost Default=YES State=UP
"""


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[None]:
    """Run a cluster of this machine; only root can start one whose jobs are another user's.

    Args:
        folder: an empty folder that all users may read.
    """
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    for path in (folder / "munge", key):
        shutil.chown(path, "munge", "munge")
    text = CONFIG.format(folder=folder, controller_port=free_port(), node_port=free_port())
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    # a file that is there stands for the device
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    munge = {name: f"--{name}={folder}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")}
    munged = ["setpriv", "--reuid=munge", "--regid=munge", "--init-groups", "munged", "--foreground", *munge.values()]
    with ExitStack() as stack:
        stack.enter_context(service([*munged, f"--key-file={key}"], (folder / "munge" / "socket").exists))
        stack.enter_context(service(["slurmctld", "-D"], lambda: node_state() != ""))
        stack.enter_context(service(["slurmd", "-D", "-N", "localhost"], lambda: node_state() == "idle"))
        yield


def node_state() -> str:
    """Return the state of the node, empty if the controller doesn't answer."""
    result = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True)
    return result.stdout.strip()
