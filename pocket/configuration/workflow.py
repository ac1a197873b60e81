"""The check that a workflow is complete; :mod:`pocket.plan.workflow` has its base class."""

from __future__ import annotations

import importlib

from pocket.errors import ConfigError, nearest
from pocket.plan.workflow import BaseProcessorABC


def check_defined(workflow: type[BaseProcessorABC]) -> None:
    """Check that a workflow defines all required methods."""
    missing = sorted(getattr(workflow, "__abstractmethods__", ()))
    if not missing:
        return
    # The import is by name, because error messages aren't part of the code that an output depends on.
    place = importlib.import_module("pocket.configuration.user_errors").defined_at(workflow)
    close = nearest(missing[0], [name for name in dir(workflow) if not hasattr(BaseProcessorABC, name)])
    hint = f"; is its method {' or '.join(map(repr, close))} misspelt?" if close else ""
    raise ConfigError(
        f"workflow {workflow.__name__}{f' ({place})' if place else ''} doesn't define {' and '.join(missing)}{hint}"
    )
