"""Code that the configurations share."""
