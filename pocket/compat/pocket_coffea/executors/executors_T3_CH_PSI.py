"""Names of ``pocket_coffea.executors.executors_T3_CH_PSI``."""

from pocket.compat.executors import ExecutorFactoryABC, FuturesExecutorFactory, IterativeExecutorFactory
from pocket.compat.executors import PsiExecutorFactory as DaskExecutorFactory
from pocket.compat.executors import get_psi_factory as get_executor_factory
