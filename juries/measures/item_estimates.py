"""Ratios of sums over items, with their bootstrap: what most diagnostics are made of."""

from __future__ import annotations

import numpy as np

from juries.measures.estimates import Estimate
from juries.measures.resampling import FloatArray, item_multiplicities, percentile_interval


def item_sums(features: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Sums over items of [items, features], on the sample and each replicate: [features, 1 + B]."""
    totals = np.zeros((features.shape[1], resamples + 1))
    start = 0
    for drawn in item_multiplicities(len(features), resamples, rng):
        once = np.column_stack([np.ones(len(drawn)), drawn])
        totals += features[start : start + len(drawn)].T @ once
        start += len(drawn)
    return totals


def ratio_estimate(
    top: FloatArray, bottom: FloatArray, *, n: int, reason: str, resampled: str = "items"
) -> Estimate:
    """An estimate of top / bottom from sample and replicates [1 + B]; undefined at bottom 0."""
    values = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return estimate_of(values, n=n, reason=reason, resampled=resampled)


def estimate_of(
    values: FloatArray, *, n: int, reason: str, resampled: str = "items", level: float = 0.95
) -> Estimate:
    """An estimate from [1 + B] values, the sample's first; `reason` where that one is NaN."""
    if np.isnan(values[0]):
        return Estimate(value=None, resampled=resampled, n=n, reason=reason)
    if n < 2 or np.isnan(values[1:]).all():
        why = f"too few {resampled} to resample"
        return Estimate(value=float(values[0]), resampled=resampled, n=n, reason=why)
    interval = percentile_interval(values[1:], level, resampled=resampled)
    return Estimate(
        value=float(values[0]),
        low=float(interval.low),
        high=float(interval.high),
        level=level,
        resampled=resampled,
        n=n,
    )


def item_variance(table: FloatArray) -> FloatArray:
    """Unbiased variance between rows per item, [items]; NaN with fewer than two ratings."""
    there = ~np.isnan(table)
    size = there.sum(axis=0)
    centre = np.where(there, table, 0.0).sum(axis=0) / np.maximum(size, 1)
    square = np.where(there, (table - centre) ** 2, 0.0).sum(axis=0)
    return np.divide(square, size - 1, out=np.full_like(square, np.nan), where=size > 1)
