"""Interactive use, in notebooks and scripts without law: processing of files, outputs and their plots."""
