"""How jurors answer and talk: items, minds, graphs, ledger. Only this layer calls a model."""
