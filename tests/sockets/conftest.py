from __future__ import annotations

from tests.tasks.conftest import chain, finished

__all__ = ["chain", "finished"]
