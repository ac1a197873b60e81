"""What all tasks stand on: targets, the code that jobs must have, and what a command says as it begins and ends."""
