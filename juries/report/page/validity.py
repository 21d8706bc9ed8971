"""How far the run's figures can be trusted: what was measured of that, and what was not."""

from __future__ import annotations

from collections.abc import Iterator

from juries.report.findings import Findings
from juries.report.page.blocks import Block, Facts, Prose, Section, Table
from juries.report.page.use import use_of
from juries.scores import Scores

THREATS = (
    ("Option and position order", "order"),
    ("Length bias", "length"),
    ("Repeatability from run to run", "repeat"),
    ("Personas against no persona", "persona"),
    ("Caricature and flattening", "caricature"),
    ("Wording of the portrait", "wording"),
    ("Stand-in for people", "calibration"),
)
"""What threatens every simulated jury, and the word by which a measured one is recognised."""


def validity(findings: Findings) -> Section:
    """Answers counted, threats, and all that it takes to repeat the run."""
    source = findings.source
    blocks: list[Block] = [
        Prose(
            paragraphs=(
                f"Judged by {source.label}. A figure from a simulator is a property of that "
                "simulator, and a figure from a language model is a property of that model.",
            )
        ),
        _answers(findings),
        *_checks(source.scores),
        *_unmeasured(source.scores),
        *use_of(source.record),
        *_provenance(findings),
    ]
    return Section(id="validity", title="Validity and provenance", blocks=blocks)


def _answers(findings: Findings) -> Table:
    """What became of every question; nothing is left out of the count."""
    answers = findings.source.scores.answers
    statuses = [s for s in answers[0].statuses if s == "ok" or any(a.statuses[s] for a in answers)]
    return Table(
        title="What became of the questions",
        columns=("Model", "Asked", *(s.replace("_", " ") for s in statuses), "Not recorded"),
        rows=tuple(
            (
                a.model,
                f"{a.asked:,}",
                *(f"{a.statuses[s]:,} ({a.statuses[s] / max(a.asked, 1):.1%})" for s in statuses),
                f"{a.asked - a.recorded:,}",
            )
            for a in answers
        ),
        note="Shares are of the questions asked. Only answers with status ok enter scores; no "
        "other answer is replaced by a guess.",
    )


def _checks(scores: Scores) -> Iterator[Block]:
    if scores.validity:
        yield Table(
            title="How far to believe the figures",
            columns=("Check", "Value", "Reading"),
            rows=tuple((row.check, row.shown, row.reading) for row in scores.validity),
            note=f"Properties of {scores.produced_by}.",
        )


def _unmeasured(scores: Scores) -> tuple[Block, ...]:
    said = " ".join(f"{row.check} {row.reading}" for row in scores.validity).lower()
    missing = [name for name, word in THREATS if word not in said]
    if not missing:
        return ()
    return (
        Prose(
            paragraphs=("Not measured in this run: " + "; ".join(missing).lower() + ".",),
            style="notes",
        ),
    )


def _provenance(findings: Findings) -> tuple[Block, ...]:
    record, study = findings.source.record, findings.source.study
    minds = "; ".join(f"{m.name} ({m.kind}), version {m.version}" for m in record.minds)
    run = (
        ("Study", record.study),
        ("Minds", minds),
        ("Seed", str(record.seed)),
        ("Replicates", str(study.replicates)),
        ("Fingerprint", record.fingerprint),
        *((f"Hash of {name}", value) for name, value in record.hashes.items()),
        ("Started", record.started),
        ("Last written", record.updated),
        ("Started how often", str(record.sessions)),
        ("Questions put", f"{record.questions:,}"),
        ("Answers recorded", f"{record.recorded:,}"),
        ("Command", record.command),
        ("To repeat it", "juries run study.yaml --out FOLDER, with study.yaml from the run folder"),
    )
    versions = tuple((name, value) for name, value in record.versions.items())
    blocks: list[Block] = [
        Facts(title="The run", pairs=run),
        Facts(title="Versions", pairs=versions),
    ]
    if record.notes:
        blocks.append(Prose(paragraphs=record.notes, style="notes"))
    return tuple(blocks)
