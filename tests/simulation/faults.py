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
    FLICKER = "flicker", "F1"
    DELAY = "delay", "F2"
    REORDER = "reorder", "F3"
    DUPLICATE = "duplicate", "F4"
    REPLAY = "replay", "F4"
    PARTITION = "partition", "F5"
    ASYMMETRIC = "asymmetric-partition", "F6"
    RING = "ring-partition", "F7"
    CLOG = "clog", "F8"
    BANDWIDTH = "bandwidth", "F8"
    CRASH = "crash", "F9"
    CRASH_ALL = "crash-of-all", "F10"
    CRASH_AT_BOUNDARY = "crash-at-boundary", "F11"
    PAUSE = "pause", "F12"
    SLOW_NODE = "slow-node", "F13"
    POWER_LOSS = "power-loss", "F14"
    TORN_WRITE = "torn-write", "F15"
    DECAY = "decay", "F16"
    STORE_DECAY = "store-decay", "F16"
    STRAY_WRITE = "stray-write", "F17"
    TRUNCATION = "truncation", "F18"
    IO_ERROR = "io-error", "F19"
    DISK_FULL = "disk-full", "F20"
    SLOW_SYNC = "slow-sync", "F21"
    WIPED_DISK = "wiped-disk", "F22"
    STALE_DISK = "stale-disk", "F23"
    JUMP = "clock-jump", "F24"
    DRIFT = "clock-drift", "F25"
    STROBE = "clock-strobe", "F26"
    SUSPEND = "suspend", "F27"
    TRANSFER = "transfer", "F30"
    LOST_STORE = "lost-store", "F31"
    SHORT_LOG = "short-log", "F32"
    CLIENT_CRASH = "client-crash", "F35"
    OVERLOAD = "overload", "F36"
    MALFORMED = "malformed-bytes", "F38"
    TINY_LIMITS = "tiny-limits", "F39"
    SLUGGISH = "sluggish-processes", "F39"
    FEW_HEAR = "few-hear", "F39"
