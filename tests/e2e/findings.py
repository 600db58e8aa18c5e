"""Figures that have to hold something: all are had before any is judged, so that a failure tells them all."""

from __future__ import annotations


class Findings:
    """Figures, and what about them is not as it must be."""

    def __init__(self) -> None:
        self.figures: dict[str, object] = {}
        self._problems: list[str] = []

    def must(self, holds: bool, otherwise: str) -> None:
        """Note the problem unless it `holds`."""
        if not holds:
            self._problems.append(otherwise)

    def judged(self) -> dict[str, object]:
        """The figures. AssertionError where something is not as it must be."""
        assert not self._problems, f"{self._problems}: {self.figures}"
        return self.figures
