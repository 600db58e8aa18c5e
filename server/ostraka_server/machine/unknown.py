"""What a layer says of a key that only the layers below it can tell of."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Unknown(Enum):
    """Has one member, so that type checkers can tell it from a row by `is`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
