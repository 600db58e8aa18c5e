"""A run once more, in another process where strings hash otherwise: nothing but the seed may decide what happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent


def digest_elsewhere(module: str, seed: int, hash_seed: str) -> str:
    """What `module.digest(seed)` is there."""
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("client", "server", "")),
    }
    script = f"from {module} import digest; import sys; sys.stdout.write(digest({seed}))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout
