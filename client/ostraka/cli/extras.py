"""Which optional parts of the distribution are installed. Imports nothing of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

# What each extra of pyproject.toml brings, by import name.
MODULES = {
    "cli": ("click", "rich"),
    "server": (
        "grpc_channelz",
        "grpc_health",
        "grpc_reflection",
        "prometheus_client",
        "sortedcontainers",
        "sqlite_utils",
    ),
}


FOR_CLIENTS = ("cli",)
"""What every command needs."""
FOR_NODES = ("server", "cli")
"""What the commands need that run nodes."""


def missing(extras: Sequence[str]) -> str | None:
    """None where the extras are installed, else a sentence with the command that installs them."""
    absent = [module for extra in extras for module in MODULES[extra] if find_spec(module) is None]
    if not absent:
        return None
    return f"{', '.join(absent)} not found; to install what this needs: pip install 'ostraka[{','.join(extras)}]'"
