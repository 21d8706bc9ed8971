"""Language-model jurors behind OpenAI-compatible servers, vLLM first.

- `settings`: what a study says of a language-model mind; light to import.
- `client`, `endpoint`, `gate`, `breaker`: requests that survive slow, busy and dying servers.
- `prompts`, `quoting`, `labels`, `rendering`: what a juror is told, with items quoted as data.
- `elicitation`: exact label probabilities, structured replies, samples; `parsing` reads replies.
- `vllm`: starts a server, waits until it is healthy and stops it.
"""
