"""One exchange for each node that is talked to, made when it is needed and made anew when it has ended or retires."""

from __future__ import annotations

from ostraka._exchange import Exchange
from ostraka._transport import Transport
from ostraka.clock import Clock


class Exchanges:
    """Those of one client or gateway, on one event loop."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._current: dict[str, Exchange] = {}
        self._retiring: list[Exchange] = []

    def to(self, address: str) -> Exchange:
        """The one for the next call to this node: to be called before anything is awaited."""
        exchange = self._current.get(address)
        if exchange is not None and exchange.takes_calls:
            return exchange
        self._retiring = [each for each in self._retiring if not each.ended]
        if exchange is not None and not exchange.ended:
            self._retiring.append(exchange)
        self._current[address] = Exchange(self._transport, address, self._clock)
        return self._current[address]

    async def close(self) -> None:
        """End every call and stream."""
        for exchange in (*self._current.values(), *self._retiring):
            await exchange.close()
        self._current.clear()
        self._retiring.clear()
