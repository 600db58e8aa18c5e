"""Stand-ins for a client under load."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ostraka.clock import Clock


class SlowTarget:
    """Takes `call_s` for a call, but answers nothing while it stalls; keeps what it was asked."""

    def __init__(self, clock: Clock, call_s: float, stall: tuple[float, float] = (0.0, 0.0)) -> None:
        self.calls: list[str] = []
        self._clock = clock
        self._call_s = call_s
        self._stall = stall

    async def put(self, key: str, value: bytes, /) -> None:
        await self._answer(f"put {key} {len(value)}")

    async def get(self, key: str, /) -> None:
        await self._answer(f"get {key}")

    async def delete(self, key: str, /) -> None:
        await self._answer(f"delete {key}")

    async def range(self, start: str, /, *, limit: int) -> AsyncIterator[int]:
        for number in range(limit):
            yield number
        await self._answer(f"range {start} {limit}")

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        answered = self._clock.now() + self._call_s
        begin, end = self._stall
        if begin <= answered < end:
            answered = end
        await self._clock.sleep(answered - self._clock.now())
