"""Names of ``pocket_coffea.executors.executors_CLAIX``."""

from pocket.compat.executors import DaskExecutorFactory, ParslSlurmExecutorFactory
from pocket.compat.pocket_coffea.executors.executors_base import *
