"""Which optional parts of the distribution are installed. Imports nothing of them."""

from __future__ import annotations

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


def missing(extra: str) -> str | None:
    """None where the extra is installed, else a sentence with the command that installs it."""
    absent = [module for module in MODULES[extra] if find_spec(module) is None]
    if not absent:
        return None
    extras = extra if extra == "cli" else f"cli,{extra}"
    return f"{', '.join(absent)} not found; to install what this needs: pip install 'ostraka[{extras}]'"
