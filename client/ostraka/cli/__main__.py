"""`python -m ostraka.cli` is `ostraka`."""

from __future__ import annotations

from ostraka.cli import main

main()
