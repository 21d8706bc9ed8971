"""Activation steering of local models: vectors from verdicts, added at generation (extra `torch`).

- `model`: a causal language model with its tokenizer, and where its layers are.
- `finding`: directions from contrasting responses, the layer chosen on held-out items.
- `file`: safetensors with a model card.
- `steering`: a context manager that adds a vector at generation.
- `effect`: what it changes, as a jury sees it, beside random vectors of equal norm.
"""
