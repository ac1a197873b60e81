"""One script per engine. They run in environments of their own, and know nothing of the project but a request."""
