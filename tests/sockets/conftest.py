from __future__ import annotations

from tests.tasks.conftest import chain, finished

__all__ = ["chain", "finished"]

# what tests put elsewhere
collect_ignore = ["lsf_batch.py", "lsf_commands.py"]
