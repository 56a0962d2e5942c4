"""Measurements, each a ratio to a floor in the same run: `make bench`."""
