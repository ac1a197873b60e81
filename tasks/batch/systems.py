"""The base of workflows that may run on any registered batch system."""

from __future__ import annotations

import types
from typing import Any

from tasks.batch.control import WORKFLOWS
from tasks.core.terminal import one_sentence_errors
from tasks.settings.batch_systems import load_batch_systems

# Modules that law.cfg names may not be there.
one_sentence_errors()
load_batch_systems()


#: class with ``--workflow`` for each batch system
AnyBatchSystem: Any = types.new_class(
    "AnyBatchSystem",
    tuple(WORKFLOWS.values()),
    exec_body=lambda body: body.update(
        exclude_index=True,
        __module__=__name__,
        __doc__="Base of workflows whose branches may be jobs on any batch system.",
    ),
)
