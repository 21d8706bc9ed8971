"""Measures: arrays in, frozen results out; no study needed."""
