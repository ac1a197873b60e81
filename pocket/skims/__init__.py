"""Skims: selected events as NanoAOD again, to be processed as the dataset they come from."""
