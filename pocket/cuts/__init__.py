"""Cuts, and the categories that events or their objects are divided into by them."""
