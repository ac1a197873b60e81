"""Names of ``pocket_coffea.executors.executors_rubin``."""

from pocket.compat.executors import DaskExecutorFactory, ExecutorFactoryManualABC
from pocket.compat.pocket_coffea.executors.executors_base import *
