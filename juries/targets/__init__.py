"""Steering targets: what a jury's verdicts say a model should do, in forms that tools take.

Each target carries its `Provenance`, and says that it is uncalibrated until the jury was held
against people.
"""
