"""Models under test, asked live: conversations in, replies out.

- `protocol`: what a subject must do.
- `synthetic`: a subject of known steerability, for tests and examples.
- `live`: a model behind an OpenAI-compatible endpoint.
- `answers`: asks many conversations and keeps every reply on disk, so that a run can go on.
"""
