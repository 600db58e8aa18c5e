"""The sizes that the log works with."""

from __future__ import annotations

from dataclasses import dataclass

from ostraka_server.log.layout import BLOCK, DATA_AT, SLOT
from ostraka_server.log.record import HEADER_BYTES


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Sizes in bytes, multiples of 4096. They may change from one start to the next."""

    segment_bytes: int = 64 * 1024 * 1024
    """Of each new segment file, reserved when it is created."""

    blank_ahead_bytes: int = 1024 * 1024
    """How far ahead of the log's end a segment is overwritten, so that a sync changes no metadata and a torn batch
    shows. A flush of more than half of it may cost a second sync."""

    def __post_init__(self) -> None:
        if self.segment_bytes % BLOCK or self.blank_ahead_bytes % BLOCK:
            raise ValueError("segment_bytes and blank_ahead_bytes must be multiples of 4096")
        if self.blank_ahead_bytes < BLOCK:
            raise ValueError("blank_ahead_bytes must be at least 4096")
        if self.max_payload_bytes < BLOCK:
            raise ValueError(f"segment_bytes must be at least {DATA_AT + SLOT + 3 * BLOCK}")

    @property
    def max_payload_bytes(self) -> int:
        """The largest payload that `accept` takes: a batch of it alone fits a segment, whatever else it carries."""
        return self.segment_bytes - DATA_AT - SLOT - HEADER_BYTES - BLOCK
