"""A network of its own, where the ports that the README names are free whatever else the machine runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.member import DIES_WITH_US

_HOLD = ("unshare", "--map-root-user", "--net", "--", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity")


@contextmanager
def private_network() -> Iterator[list[str]]:
    """What begins a command that is to run in it. Nothing where this machine allows none: its own is used then."""
    with subprocess.Popen(
        [*_HOLD[:4], *DIES_WITH_US, *_HOLD[4:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as holder:
        assert holder.stdout is not None
        is_up = holder.stdout.readline() == b"up\n"
        of = f"/proc/{holder.pid}/ns"
        try:
            yield ["nsenter", "--preserve-credentials", f"--user={of}/user", f"--net={of}/net", "--"] if is_up else []
        finally:
            holder.kill()
