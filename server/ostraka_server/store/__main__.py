"""`python -m ostraka_server.store FILE`: check a store that no node uses; prints its applied slot, or what is wrong."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from ostraka_server.store.errors import DamagedStore, StoreError, named
from ostraka_server.store.verification import DAMAGED, FAILED, SOUND, verify


def main() -> int:
    """The command's entry; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ostraka_server.store", description="Check a store's file.")
    parser.add_argument("file", type=Path)
    path: Path = parser.parse_args().file
    try:
        slot = _verify(path)
    except DamagedStore as error:
        sys.stderr.write(f"{error.detail}\n")
        return DAMAGED
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    sys.stdout.write(f"{slot}\n")
    return SOUND


def _verify(path: Path) -> int:
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise named(str(path), error) from error
    try:
        return verify(connection, str(path))
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
