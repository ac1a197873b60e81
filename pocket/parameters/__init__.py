"""Composable YAML parameters: shipped defaults, files of an analysis on top, command-line values last."""
