"""Building blocks of tasks: bases, workflows, executors, and the work of branches."""
