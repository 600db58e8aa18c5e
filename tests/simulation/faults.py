"""The fault classes that the tiers know. `number` is the goal that a class belongs to; several may share one."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Each counts in the trace, under its name, when it fires: not when it is asked for, but when it does something."""

    number: str

    def __new__(cls, name: str, number: str = "") -> Fault:  # `Fault("loss")` finds, and gives no number
        fault = str.__new__(cls, name)
        fault._value_ = name
        fault.number = number
        return fault

    LOSS = "loss", "F1"
    DELAY = "delay", "F2"
    REORDER = "reorder", "F3"
    DUPLICATE = "duplicate", "F4"
    REPLAY = "replay", "F4"
    PARTITION = "partition", "F5"
    ASYMMETRIC = "asymmetric-partition", "F6"
    RING = "ring-partition", "F7"
    CLOG = "clog", "F8"
    CRASH = "crash", "F9"
    CRASH_ALL = "crash-of-all", "F10"
    CRASH_AT_BOUNDARY = "crash-at-boundary", "F11"
    PAUSE = "pause", "F12"
    POWER_LOSS = "power-loss", "F14"
    DECAY = "decay", "F16"
    SLOW_SYNC = "slow-sync", "F21"
    JUMP = "clock-jump", "F24"
    DRIFT = "clock-drift", "F25"
    TRANSFER = "transfer", "F30"
