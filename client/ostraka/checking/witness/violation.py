"""Why a decided order does not explain a history, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..calls import Outcome
from ..picture import picture
from .observation import Observation

TEXT_CHARACTERS = 90
"""Longer requests and answers are cut."""


@dataclass(frozen=True, slots=True)
class WitnessViolation:
    """A call that the decided order cannot explain."""

    culprit: Observation[Any, Any]
    reason: str
    involved: tuple[Observation[Any, Any], ...]
    """The culprit and the calls that the reason speaks of, in order of call."""
    rule: int
    """That is broken, of those of the check."""

    def __str__(self) -> str:
        rows = picture(((describe(each), each) for each in self.involved), self.culprit)
        return "\n  ".join([f"{describe(self.culprit)}", self.reason, *rows])


def describe(observation: Observation[Any, Any]) -> str:
    """A call in a few words."""
    ended = brief(observation.answer) if observation.outcome is Outcome.OK else observation.outcome.value
    stale = " (may be stale)" if observation.stale else ""
    return f"p{observation.process} {brief(observation.request)}{stale} -> {ended}"


def brief(value: object) -> str:
    """A request or answer as text of bounded length."""
    text = repr(value)
    return text if len(text) <= TEXT_CHARACTERS else text[:TEXT_CHARACTERS] + "..."
