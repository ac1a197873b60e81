"""Analysis of ``law run`` in the comparison of whole commands: the flow of the request that the environment names."""

from benchmarks.throughput.given_files import requested_analysis

analysis = requested_analysis()
