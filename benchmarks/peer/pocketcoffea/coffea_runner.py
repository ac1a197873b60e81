"""coffea's own runner, with the version in the environments of both peers that use it."""

from coffea import processor
from coffea.nanoevents import NanoAODSchema


def runner(chunk_size, maxchunks=None):
    """Return the runner with its defaults, without progress bars."""
    return processor.Runner(
        executor=processor.IterativeExecutor(status=False),
        schema=NanoAODSchema,
        chunksize=chunk_size,
        maxchunks=maxchunks,
    )
