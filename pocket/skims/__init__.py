"""Skims: selected events as NanoAOD, which are processed as the dataset they come from."""
