"""From files to populations: one entry, `load_population`, and a registry of known formats."""

from personas.importers.columns import PersonaColumns
from personas.importers.formats import FORMATS, Format
from personas.importers.load import load_population

__all__ = ["FORMATS", "Format", "PersonaColumns", "load_population"]
