"""Drivers, one script per engine, which run in their own environments and depend only on a request."""
