"""No bytes end a decoder otherwise than by its own refusals; and a decoder that they do end is told."""

from __future__ import annotations

import shlex
from random import Random

import pytest

from ostraka_server.shard import codec
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import Tally, all_decoders, attack, endure, try_one
from tests.fuzz.decoder import Decoder
from tests.fuzz.lives import TOLD, Kind

MESSAGES = 10_000
"""Here; `make soak` has a hundred times as many."""

BLIND_BELOW = 60
"""Cases of one decoder that are too few to say whether they go deep."""


@pytest.mark.fuzz
def test_every_decoder_decodes_or_refuses_by_name() -> None:
    tally = attack(1, range(MESSAGES))
    _expect_none(tally)
    with all_decoders() as decoders:
        assert {decoder.name for decoder in decoders} == tally.cases.keys()
        for decoder in decoders:
            cases, refused = tally.cases[decoder.name], tally.refused[decoder.name]
            if decoder.refusals and cases >= BLIND_BELOW:
                assert 0 < refused < cases, f"{decoder.name}: {refused} of {cases} were refused"


@pytest.mark.fuzz
def test_replicas_keep_to_their_promises_whatever_they_are_told() -> None:
    tally = endure(1, range(MESSAGES // TOLD))
    _expect_none(tally)
    assert tally.cases.keys() == {f"step: {kind.value}" for kind in Kind}


def _expect_none(tally: Tally) -> None:
    if tally.failures:
        pytest.fail("\n".join(tally.failures.values()), pytrace=False)


def test_every_sample_is_read_as_it_is() -> None:
    with all_decoders() as decoders:
        for decoder in decoders:
            for sample in decoder.samples:
                tally = Tally()
                try_one(decoder, sample, tally)
                assert not tally.failures, decoder.name


def test_the_same_seed_makes_the_same_cases() -> None:
    made = []
    for _ in range(2):
        with all_decoders() as decoders:
            made.append([decoder.case(Random(decoder.name)) for decoder in decoders if decoder.name != "cluster.json"])
    assert made[0] == made[1]
    assert attack(3, range(200)) == attack(3, range(200))


def _breaks_on_7(data: bytes) -> None:
    if 7 in data and len(data) > 2:
        raise KeyError("seven")
    if data:
        raise codec.MalformedMessage


def test_a_failure_is_told_by_few_bytes_and_once() -> None:
    tally = Tally()
    decoder = Decoder("planted", (), _breaks_on_7, [b""], (codec.MalformedMessage,))
    for data in (b"", b"anything", bytes(range(100)), bytes(100) + b"\x07"):
        try_one(decoder, data, tally)
    assert (tally.cases, tally.refused) == ({"planted": 4}, {"planted": 1})
    (failure,) = tally.failures.values()
    assert failure.startswith("planted: KeyError('seven')\n")
    again = shlex.split(failure)[-3:]
    assert again[:2] == ["again", "planted"] and len(again[2]) == 6 and "07" in again[2]


def test_a_case_can_be_seen_again() -> None:
    with pytest.raises(codec.MalformedMessage):
        main(["again", "replica message", "ff"])
    assert main(["again", "command", "ff"]) == 0
    assert main(["life", "1", "0", "3", "17"]) == 0
