"""A flood gets a share of each turn of the event loop, and the rest of the node gets its own."""

from __future__ import annotations

import asyncio

from ostraka.clock import next_turn
from ostraka_server.rpc.intake import Intake


class Flood:
    """Streams that always have a frame of so many calls; `taken` says whose was taken, turn by turn."""

    def __init__(self, intake: Intake, streams: int, calls: int) -> None:
        self.taken: list[list[int]] = [[]]
        self._intake = intake
        self._calls = calls
        self.tasks = [asyncio.create_task(self._send(stream)) for stream in range(streams)]

    async def _send(self, stream: int) -> None:
        while True:
            await self._intake.enter(self._calls)
            self.taken[-1].append(stream)

    async def run(self, turns: int) -> None:
        """For so many turns of the loop, beside everything else."""
        for _ in range(turns):
            await next_turn()
            self.taken.append([])
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def flood(*, streams: int, calls: int, turns: int) -> list[list[int]]:
    async def measure() -> list[list[int]]:
        flood = Flood(Intake(100), streams, calls)
        await flood.run(turns)
        return flood.taken

    return asyncio.run(measure())


def test_a_turn_takes_its_share_and_no_more() -> None:
    taken = flood(streams=50, calls=10, turns=40)
    assert max(map(len, taken)) == 10
    assert sum(map(len, taken)) >= 10 * 40 / 2, "every other turn at least takes its whole share"


def test_a_frame_larger_than_the_share_has_a_turn_of_its_own() -> None:
    assert {len(turn) for turn in flood(streams=5, calls=500, turns=40)} == {0, 1}


def test_streams_take_their_turns_in_order() -> None:
    order = [stream for turn in flood(streams=7, calls=100, turns=60) for stream in turn]
    assert order[1:15] == [*range(7), *range(7)]


def test_a_stream_that_ends_while_it_waits_holds_up_nobody() -> None:
    async def check() -> None:
        intake = Intake(1)
        await intake.enter(1)
        first, second = asyncio.create_task(intake.enter(1)), asyncio.create_task(intake.enter(1))
        await next_turn()
        first.cancel()
        await second

    asyncio.run(check())
