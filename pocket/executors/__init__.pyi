"""Public names of :mod:`pocket.executors`, loaded when they are used."""

from .base import (
    Executor as Executor,
)
from .base import (
    ExecutorFactoryABC as ExecutorFactoryABC,
)
from .base import (
    IterativeExecutorFactory as IterativeExecutorFactory,
)
from .base import (
    Job as Job,
)
from .base import (
    Progress as Progress,
)
from .base import (
    available_cores as available_cores,
)
from .dask_executor import DaskExecutorFactory as DaskExecutorFactory
