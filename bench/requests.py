"""The calls of a load, drawn at random: with the same seed the same calls in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from itertools import accumulate, repeat
from random import Random
from typing import NamedTuple, Protocol

from bench.keys import key_numbers
from bench.workload import Operation, Workload


class Target(Protocol):
    """What is put under load: as much of `ostraka.aio.Client` as the operations take."""

    async def put(self, key: str, value: bytes, /) -> object: ...

    async def get(self, key: str, /) -> object: ...

    async def delete(self, key: str, /) -> object: ...

    def range(self, start: str, /, *, limit: int) -> AsyncIterator[object]: ...


class Request(NamedTuple):
    operation: Operation
    key: str
    value: bytes  # of a put
    limit: int  # of a range

    def perform(self, target: Target) -> Awaitable[object]:
        match self.operation:
            case "put":
                return target.put(self.key, self.value)
            case "get":
                return target.get(self.key)
            case "delete":
                return target.delete(self.key)
            case "range":
                return self._read(target.range(self.key, limit=self.limit))

    async def _read(self, rows: AsyncIterator[object]) -> None:
        async for _ in rows:
            pass


def requests(workload: Workload, random: Random) -> Iterator[Request]:
    """The load, without end."""
    operations = _operations(workload.mix, random)
    numbers = key_numbers(workload.keys, workload.zipfian, random)
    values = _values(workload.value_bytes, random)
    return (
        Request(operation, key_name(number), value, workload.range_keys)
        for operation, number, value in zip(operations, numbers, values, strict=False)
    )


def fill(workload: Workload, random: Random, process: int) -> Iterator[Request]:
    """Puts of this process's part of the keys, each once."""
    numbers = range(process, workload.keys, workload.processes)
    for number, value in zip(numbers, _values(workload.value_bytes, random), strict=False):
        yield Request("put", key_name(number), value, 0)


def key_name(number: int) -> str:
    return f"key{number:08d}"


def _operations(mix: dict[Operation, float], random: Random) -> Iterator[Operation]:
    operations, cumulative = tuple(mix), tuple(accumulate(mix.values()))
    if len(operations) == 1:
        return repeat(operations[0])  # a drawing costs as much as all else about a request
    return (random.choices(operations, cum_weights=cumulative)[0] for _ in repeat(None))


def _values(value_bytes: tuple[int, int], random: Random) -> Iterator[bytes]:
    least, most = value_bytes
    longest = random.randbytes(most)
    while True:
        yield longest[: least + int(random.random() * (most - least + 1))]
