"""Names of ``pocket_coffea.executors.executors_RWTH``."""

from pocket.compat.executors import DaskExecutorFactory, ParslCondorExecutorFactory
from pocket.compat.pocket_coffea.executors.executors_base import *
