"""Models under test that a study asks itself, in place of responses on file.

- `spec`: the study's `subjects:` section.
- `asking`: puts the prompts, and a survey, to them; every reply is in the run's ledger.
- `concluding`: what the scores take from them: who was steered where to, and survey answers.
"""
