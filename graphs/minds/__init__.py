"""The minds that answer for jurors: the embedded simulator, language models, people."""
