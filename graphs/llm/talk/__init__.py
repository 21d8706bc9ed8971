"""How a language model speaks, votes, mediates and ranks for jurors who talk.

- `conversation`: what one juror has in front of them; from call to call it grows at its end only.
- `speaking`: statements, and the mediator's drafts.
- `ballots`: private ratings after what was heard.
- `ranking`: rankings of the mediator's drafts.
"""
