"""What an analysis declares: configurations, workflows, skims and comparisons, and how an analysis is found."""
