"""Building blocks of tasks: bases, workflows and executors."""
