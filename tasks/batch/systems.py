"""The batch systems that workflows may use: their classes and options."""

from __future__ import annotations

from typing import Any

from tasks.batch.control import WORKFLOWS
from tasks.batch.options import batch_group
from tasks.core.terminal import one_sentence_errors
from tasks.settings.batch_systems import load_batch_systems

# Modules that law.cfg names may not be there.
one_sentence_errors()
load_batch_systems()

#: options of tasks whose branches, or those of their requirements, may be jobs
BATCH = batch_group()
#: bases of workflows whose branches may be jobs, one for each batch system
BATCH_BASES: tuple[Any, ...] = tuple(WORKFLOWS.values())
