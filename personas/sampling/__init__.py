"""Seats drawn from a population: simple, stratified, under quotas, and by fair lottery.

`personas.sampling.leximin.leximin` gives the whole lottery where `sample` gives one panel of it.
"""

from personas.sampling.draw import METHODS, Method, sample
from personas.sampling.ranges import QuotaRange, Quotas, proportional_quotas
from personas.sampling.result import Sample, SampledLevel

__all__ = [
    "METHODS",
    "Method",
    "QuotaRange",
    "Quotas",
    "Sample",
    "SampledLevel",
    "proportional_quotas",
    "sample",
]
