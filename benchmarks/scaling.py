"""What a study of any size costs: tokens, GPU hours, rows and bytes; `docs/scaling.md` tells why.

The model is arithmetic over a handful of measured rates. Those of this project are measured here or
by the other benchmarks; those of a GPU are the reader's to measure, and stand as options.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A study, by its sizes.

    Attributes:
        items: put to the jury, each with so many `responses`.
        jurors: who answer each question once.
        shared: tokens that all prompts have in common (instructions, the scale).
        item: tokens of an item with one response.
        persona: tokens of a portrait.
        answer: tokens generated for a rating; 1 where option probabilities are read.
    """

    items: int
    responses: int
    jurors: int
    shared: int = 300
    item: int = 600
    persona: int = 200
    answer: int = 1

    @property
    def ratings(self) -> int:
        """Questions asked."""
        return self.items * self.responses * self.jurors


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What was measured, or has to be.

    Attributes:
        prefill: tokens computed a second and GPU.
        decode: tokens generated a second and GPU, in large batches.
        driver: ratings a second that one driver can take from workers and record.
        client: conversations a second that one core of client can put to servers.
        row_bytes: of a rating in the ledger; `table_bytes` of one in `ratings.parquet`.
    """

    prefill: float = 20_000.0
    decode: float = 5_000.0
    driver: float = 150_000.0
    client: float = 2_000.0
    row_bytes: float = 108.0
    table_bytes: float = 27.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a workload comes to.

    Attributes:
        prompt_tokens: without any reuse.
        computed_tokens: with each prefix computed once at each replica that needs it.
        hours: of wall time, for prefill and decoding on all GPUs.
        client_cores: that put the questions fast enough.
        driver_share: of what one driver can record, in use.
        ledger_bytes: of the ledger; `table_bytes` of the table of ratings.
        rate: ratings a second.
    """

    prompt_tokens: int
    computed_tokens: int
    hours: float
    client_cores: float
    driver_share: float
    ledger_bytes: float
    table_bytes: float
    rate: float


def computed_tokens(work: Workload, *, replicas: int = 1, sticky: bool = True) -> int:
    """Prompt tokens that servers compute, item first and persona last.

    The instructions are computed once a replica, an item with its response once, or once at each
    replica where requests are not kept together, and a portrait for every question. A prefix counts
    as cached whole; servers cache in blocks of some 16 tokens.

    Args:
        work: the study.
        replicas: servers.
        sticky: an item stays with one replica.
    """
    places = 1 if sticky else min(replicas, work.jurors)
    subjects = work.items * work.responses
    return work.shared * replicas + work.item * subjects * places + work.persona * work.ratings


def cost(work: Workload, rates: Rates, *, gpus: int, sticky: bool = True) -> Cost:
    """What a study comes to on so many GPUs, one replica each."""
    computed = computed_tokens(work, replicas=gpus, sticky=sticky)
    seconds = (computed / rates.prefill + work.ratings * work.answer / rates.decode) / gpus
    rate = work.ratings / seconds
    return Cost(
        prompt_tokens=work.ratings * (work.shared + work.item + work.persona),
        computed_tokens=computed,
        hours=seconds / 3600,
        client_cores=rate / rates.client,
        driver_share=rate / rates.driver,
        ledger_bytes=work.ratings * rates.row_bytes,
        table_bytes=work.ratings * rates.table_bytes,
        rate=rate,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--responses", type=int, default=1)
    parser.add_argument("--jurors", type=int, default=100)
    parser.add_argument("--gpus", type=int, nargs="+", default=[8, 64])
    for name in Rates.__dataclass_fields__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    options = parser.parse_args()
    given = {n: v for n in Rates.__dataclass_fields__ if (v := getattr(options, n)) is not None}
    rates = Rates(**given)
    work = Workload(items=options.items, responses=options.responses, jurors=options.jurors)
    print(f"{work.ratings:,} ratings; prompts hold {work.shared + work.item + work.persona} tokens")
    for gpus in options.gpus:
        for sticky in (True, False):
            found = cost(work, rates, gpus=gpus, sticky=sticky)
            print(
                f"{gpus:4} GPUs, items {'kept together' if sticky else 'spread':13} "
                f"{found.computed_tokens / 1e9:7.1f} of {found.prompt_tokens / 1e9:.1f} G tokens "
                f"{found.hours:8.1f} h {found.rate:9,.0f} ratings/s, {found.client_cores:6.1f} "
                f"client cores, driver {found.driver_share:6.1%}, ledger "
                f"{found.ledger_bytes / 1e9:.1f} GB, table {found.table_bytes / 1e9:.1f} GB"
            )


if __name__ == "__main__":
    main()
