"""The picture shows what was recorded: counted by its elements, for what it looks like has to be looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tests.simulation.diagram.page import draw
from tests.simulation.diagram.recording import Recording
from tests.simulation.faults import Fault
from tests.simulation.plan import Plan, Strike
from tests.simulation.recorder import State
from tests.simulation.subject import Subject
from tests.simulation.tier import Failure, Outcome

SVG = "{http://www.w3.org/2000/svg}"
PLAN = Plan(seed=7, members=3, duration_s=9.0, lasting=frozenset({Fault.LOSS}), strikes=(Strike(4, 1.5, Fault.CRASH),))
VIOLATION = Failure("P4", "slot 3: b'a' chosen, before that <b> & 'c'", ())


def outcome(failure: Failure | None = VIOLATION) -> Outcome:
    """Of a run that was over after 2 s."""
    return Outcome(PLAN, "", 0, 2.0, Counter(), failure)


def page(recording: Recording, failure: Failure | None = VIOLATION) -> Element:
    return ElementTree.fromstring(draw(recording, outcome(failure), "make sim SEED=7"))


def of(root: Element, kind: str) -> list[Element]:
    """The elements of a class."""
    return [element for element in root.iter() if kind in element.get("class", "").split()]


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def titles(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}title")]


def diagram(root: Element) -> Element:
    return of(root, "diagram")[0]


def test_each_message_is_an_arrow_and_the_lost_and_those_under_way_look_so() -> None:
    recording = Recording()
    recording.message(1.0, 1, 2, 1.1, "Accept(slot=3)")
    recording.message(1.2, 2, 1, 1.3, "Accepted(slot=3)")
    recording.message(1.3, 1, 3, None, "Accept(slot=3)")
    recording.message(1.9, 1, 2, 2.5, "Accept(slot=4)")
    root = page(recording)
    assert len(of(diagram(root), "arrow")) == 4
    assert len(of(root, "lost")) == 1
    assert len(of(root, "under-way")) == 1
    assert "1 to 3, sent 1.3000 s, lost\nAccept(slot=3)" in titles(root)
    assert {"Accept", "Accepted"} <= set(texts(root)), "the legend"
    assert len(of(diagram(root), "kind0")) == 3


def test_only_the_last_messages_are_shown_and_what_happened_since() -> None:
    recording = Recording(messages_max=2)
    recording.struck(0.4, 1, "pause")
    recording.event(0.4, "1 leads")
    for at in (0.5, 1.0, 1.5):
        recording.message(at, 1, 2, at + 0.1, "Heartbeat()")
    recording.struck(1.4, 4, "crash")
    root = page(recording)
    assert len(of(diagram(root), "arrow")) == 2
    assert [text for text in texts(root) if text.startswith("strike")] == ["strike 4: crash"]
    assert of(root, "deed") == []


def test_a_run_that_broke_before_it_was_seen_is_shown_up_to_then() -> None:
    recording = Recording()
    recording.message(0.5, 1, 2, 0.6, "Accept(slot=3)")
    recording.state(0.7, 2, State.DOWN, True)
    recording.struck(1.4, 4, "crash")
    recording.message(1.5, 1, 2, 1.6, "Accept(slot=4)")
    assert VIOLATION is not None
    root = page(recording, replace(VIOLATION, at=1.0))
    assert len(of(diagram(root), "arrow")) == len(of(root, "crash")) == 1
    assert "P4 broken: seed 7 after 1.000 s" in texts(root)
    assert not [text for text in texts(root) if text.startswith("strike")]


def test_a_host_that_was_down_has_a_gap_a_crash_and_a_start() -> None:
    recording = Recording()
    recording.state(0.1, 2, State.LEADS, True)
    recording.state(0.5, 2, State.DOWN, True)
    recording.state(0.9, 2, State.DOWN, False)
    root = page(recording)
    assert len(of(root, "up")) == 3 + 1
    assert len(of(root, "crash")) == len(of(root, "start")) == len(of(diagram(root), "leads")) == 1
    assert "leads" in texts(root), "the legend"
    assert "2 leads from 0.100 s to 0.500 s" in titles(root)


def test_a_host_that_is_still_paused_at_the_end_is_so_to_the_end() -> None:
    recording = Recording()
    recording.state(1.0, 3, State.PAUSED, True)
    recording.state(1.1, 3, State.PAUSED, True)
    root = page(recording)
    assert len(of(diagram(root), "paused")) == 1
    assert "3 paused from 1.000 s" in titles(root)


def test_a_partition_is_shaded_while_it_lasts() -> None:
    recording = Recording()
    apart, deaf = [(1, 2), (2, 1), (1, 3), (3, 1)], [(2, 3), (1, 3)]
    recording.blocked(0.5, apart, True)
    recording.blocked(0.7, deaf, True)
    recording.blocked(1.0, apart, False)
    root = page(recording)
    assert len(of(root, "block")) == 2
    assert len(of(root, "block-edge")) == 3, "one has no end"
    assert {"1 | 2 3", "3 deaf"} <= set(texts(root))
    recording.blocked(1.5, [*apart, *deaf], False)
    assert len(of(page(recording), "block-edge")) == 4


def test_what_hosts_do_are_dots_but_not_what_arrives() -> None:
    recording = Recording()
    for text in ("2 applied slot 3", "2 from 1: Accept()", "- healed"):
        recording.event(1.0, text)
    root = page(recording)
    assert [dot[0].text for dot in of(root, "deed")] == ["1.0000 s: 2 applied slot 3"]


def test_the_violation_is_told_in_full_where_it_happened() -> None:
    recording = Recording()
    recording.event(1.0, "2 applied slot 3")
    root = page(recording)
    assert "P4 broken: seed 7 after 2.000 s" in texts(root)
    assert "make sim SEED=7" in texts(root)
    assert "Conditions: loss. Strikes: 4 crash at 1.50 s." in texts(root)
    assert [text.text for text in of(root, "violation-text")] == [f"P4: {VIOLATION.detail}"]
    (dot,), (ring,) = of(root, "deed"), of(root, "culprit")
    assert ring.get("cx") == dot.get("cx")


def test_a_run_that_broke_nothing_has_no_violation() -> None:
    root = page(Recording(), failure=None)
    assert of(root, "violation") == []
    assert "Nothing broken: seed 7 after 2.000 s" in texts(root)


def test_the_page_needs_nothing_from_elsewhere_and_whatever_text_it_holds_is_xml() -> None:
    recording = Recording()
    recording.message(1.0, 1, 2, 1.1, "Accept(b'\x00\x1f<&>')")
    text = draw(recording, outcome(), "make sim")
    ElementTree.fromstring(text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in text


def test_a_recorded_run_is_the_same_run() -> None:
    subject = Subject("protocol", "nothing adopted")
    plan, recording = subject.draw(0), Recording()
    recorded = subject.run(plan, recording)
    assert recorded == subject.run(plan)
    root = ElementTree.fromstring(draw(recording, recorded, subject.command(plan)))
    assert len(of(diagram(root), "arrow")) == 100 < len(recording.arrows)
