"""What tasks are made of: bases, targets, workflows, executors, and what people see at the terminal."""
