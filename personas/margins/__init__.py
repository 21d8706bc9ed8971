"""What a population's shares should be: published margins and a user's own."""

from personas.margins.margin import Margin, load_margin, shipped_margins

__all__ = ["Margin", "load_margin", "shipped_margins"]
