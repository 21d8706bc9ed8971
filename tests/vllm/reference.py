"""Label probabilities from a checkpoint itself, without any server.

Reads `{"model", "conversations", "ids"}` as JSON and writes, for each conversation, the
log-probability of every token id as the next one. Run by the interpreter that holds vLLM.
"""

from __future__ import annotations

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    """Answer one request on standard input."""
    asked = json.load(sys.stdin)
    tokenizer = AutoTokenizer.from_pretrained(asked["model"])
    model = AutoModelForCausalLM.from_pretrained(asked["model"], dtype=torch.float32).eval()
    found = []
    for messages in asked["conversations"]:
        tokens = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            logits = model(**tokens).logits[0, -1]
        found.append(torch.log_softmax(logits, dim=-1)[asked["ids"]].tolist())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
