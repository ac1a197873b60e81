"""Tests that notice first when a library changes what it promised nobody, and say which of our functions breaks."""
