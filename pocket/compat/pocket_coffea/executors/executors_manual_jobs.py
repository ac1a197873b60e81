"""Names of ``pocket_coffea.executors.executors_manual_jobs``."""

from pocket.compat.executors import ExecutorFactoryManualABC
