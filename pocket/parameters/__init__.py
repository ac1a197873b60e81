"""Composable YAML parameters: the shipped defaults, an analysis' own files, and values from the command line."""
