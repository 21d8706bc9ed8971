"""Who sits on a jury: personas, populations, weights, sampling and portraits. Calls no model."""
