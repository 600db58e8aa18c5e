"""The acceptor log: what the groups of a node promised and accepted, durable with one sync for all of them.

Blocking and single-threaded: nothing here is called while another call is running, `flush` in an executor included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ostraka_server.log.batch import Pending, batch_bytes, seal
from ostraka_server.log.config import LogConfig
from ostraka_server.log.errors import LogFailed, LogRefused
from ostraka_server.log.files import Directory
from ostraka_server.log.identity import OWNER_BYTES_MAX, Identity
from ostraka_server.log.layout import (
    FIRST_SEGMENT,
    MAX_GROUPS,
    MAX_RECORDS,
    UNFINISHED,
    digest,
    segment_name,
    segment_numbers,
)
from ostraka_server.log.manifest import first_manifest, pack_state
from ostraka_server.log.reader import Reader
from ostraka_server.log.record import HEADER_BYTES, pack_name
from ostraka_server.log.recovery import Recovered, recover
from ostraka_server.log.segment import create_segment
from ostraka_server.log.values import BallotTuple, GroupState, Held, LoggedEntry, RecoveredGroup

RESCUE_SHARE = 8
"""A truncation moves at most one part in so many of a segment's size."""

_NO_STATE = GroupState()

_GONE = (
    "the acceptor log is gone, and with it what this node promised: it must not come back as it is. Put the directory "
    "`log` back into the node's data directory; or, if it is lost, run `ostraka dump` against the remaining majority "
    "and `ostraka load` into a new cluster"
)


class AcceptorLog:
    """One node's log. `promise`, `accept` and `decided` only remember; `flush` makes all of it durable.

    1. What a `flush` that returned has covered is found again by `open`, or `open` raises LogCorrupt and names it.
    2. What no `flush` that returned has covered may be found or not; nothing else ever is.
    3. After any error of the disk every call raises LogFailed: what is durable then, only the next `open` can tell.
    """

    def __init__(self, directory: Directory, owner: bytes, config: LogConfig, found: Recovered) -> None:
        """Use `open`."""
        self._directory = directory
        self._owner = owner
        self._config = config
        self._segment = found.segment
        self._last = found.last
        self._oldest = found.last.oldest
        self._reader = found.reader
        self._states = found.last.groups()
        self._packed = {group: pack_state(group, state) for group, state in self._states.items()}
        self._records: list[Pending] = []
        self._has_promise = False
        self._has_decided = False
        self._dead: str | None = None
        self.recovered: Mapping[int, RecoveredGroup] = {
            group: RecoveredGroup(*state, self.above(group, state.decided_through), self._reader.faulty(group))
            for group, state in self._states.items()
        }
        """Every group as `open` found it; not kept up to date."""

    @classmethod
    def open(
        cls, directory: Directory, owner: bytes, config: LogConfig | None = None, *, must_exist: bool = False
    ) -> AcceptorLog:
        """Recover the log in `directory`, or begin one where there is none and `must_exist` does not forbid it.

        `owner` (up to 255 bytes) names the node and its cluster. Raises LogRefused for another owner's log, another
        format version or a log that must exist and does not; LogCorrupt for damage; LogFailed when the disk fails.
        """
        if len(owner) > OWNER_BYTES_MAX:
            raise ValueError(f"the owner's name has {len(owner)} bytes, more than {OWNER_BYTES_MAX}")
        config = config or LogConfig()
        try:
            numbers = segment_numbers(directory.list())
            if not numbers and must_exist:
                raise LogRefused(_GONE)
            if numbers:
                found = recover(directory, owner, numbers, config.blank_ahead_bytes)
                _remove_unfinished(directory)
                for number in numbers:
                    if number < found.last.oldest:
                        directory.remove(segment_name(number))
            else:
                _remove_unfinished(directory)
                found = _begin(directory, owner, config)
            return cls(directory, owner, config, found)
        except OSError as error:
            raise LogFailed(f"opening the acceptor log failed: {error}") from error

    @property
    def pending(self) -> bool:
        """Whether a promise or an accept waits for `flush`."""
        return self._has_promise or bool(self._records)

    @property
    def sequence(self) -> int:
        """How many batches are durable, since the log began."""
        return self._last.sequence

    @property
    def groups(self) -> tuple[int, ...]:
        """Those that it serves."""
        return tuple(self._states)

    @property
    def segments(self) -> int:
        """How many segment files there are. May be asked at any time, like `held`."""
        return self._last.segment - self._oldest + 1

    def promise(self, group: int, ballot: BallotTuple) -> None:
        """Promise `ballot`, which is not below any that was promised. Raises LogRefused for one group too many."""
        self._check_alive()
        state = self._state(group)
        assert ballot >= state.promised, f"group {group} promised {state.promised}, now {ballot}"
        self._raise_promise(group, state, ballot)

    def accept(self, group: int, slot: int, ballot: BallotTuple, payload: bytes) -> None:
        """Accept `payload` for `slot`, in place of what was accepted there; this promises `ballot`, too.

        Raises ValueError for a payload over `LogConfig.max_payload_bytes`, LogRefused for one group too many. An entry
        in place of a faulty one that was known decided must be the same: raises LogRefused where it is not.
        """
        self._check_alive()
        if len(payload) > self._config.max_payload_bytes:
            raise ValueError(f"payload of {len(payload)} bytes, over {self._config.max_payload_bytes}")
        self._check_repair(group, slot, payload)
        record = Pending(pack_name(group, slot, ballot), payload)
        self._raise_promise(group, self._state(group), ballot)
        self._records.append(record)

    def decided(self, group: int, through: int) -> None:
        """Every slot up to `through` is decided. Goes with the next flush that has other reasons, or with `close`."""
        self._check_alive()
        state = self._state(group)
        if through > state.decided_through:
            self._set(group, state._replace(decided_through=through))
            self._has_decided = True

    def flush(self) -> None:
        """Return once everything pending is durable: one write of it, one of its mark, one sync.

        More than 256 entries, or more bytes than fit a segment, take several such rounds. Raises LogFailed.
        """
        self._check_alive()
        if self.pending:
            with self._alive_or_dead("writing"):
                self._append_all()

    def read(self, group: int, first: int, through: int, max_bytes: int) -> list[LoggedEntry]:
        """The durable entries of [first, through] up to the first gap or faulty slot, of `max_bytes` of payload or one
        entry. `first` is above the base. Raises EntryDamaged where one cannot be read back.
        """
        self._check_alive()
        assert first > self.base(group), f"group {group}, slot {first}: truncated through {self.base(group)}"
        return self._reader.read(group, first, through, max_bytes)

    def above(self, group: int, slot: int) -> list[LoggedEntry]:
        """Every durable and readable entry above `slot`, by slot. Raises EntryDamaged."""
        return list(self._reader.above(group, slot))

    def base(self, group: int) -> int:
        """Slots through it have been truncated."""
        return self._states.get(group, _NO_STATE).base

    def held(self, group: int) -> Held:
        """How much there is of a group above its base. May be asked at any time: while a flush is running it is right
        as of some moment of it."""
        return self._reader.held(group)

    def unreadable(self, group: int) -> int:
        """How many slots above the base have lost their entry to damage and not got it back. May be asked at any time,
        like `held`; `recovered` says how many they were at first."""
        return self._reader.unreadable(group)

    def lacks(self, group: int, through: int) -> int:
        """The highest slot up to `through` without a readable entry; the base where each above it has one."""
        return self._reader.lacks(group, self.base(group) + 1, through)

    def truncate(self, group: int, base: int) -> None:
        """Let go of a group's entries through `base`, whose effects are durable elsewhere; return once that is durable.

        Segments that hold nothing any more are deleted. Entries that keep an old segment from it, because their group
        is idle, are moved. Flushes what is pending, too. Raises LogFailed, and EntryDamaged for what cannot be moved.
        """
        self._check_alive()
        state = self._state(group)
        if base <= state.base:
            return
        with self._alive_or_dead("truncating"):
            self._set(group, state._replace(base=base, decided_through=max(base, state.decided_through)))
            self._reader.drop(group, base)
            self._records.extend(self._rescued())
            self._append_all()
            oldest = min(self._reader.segments(), default=self._last.segment)
            if oldest > self._oldest:
                self._delete_before(oldest)

    def close(self) -> None:
        """Write what waits, say that all of it is durable, and let go of the files. Raises LogFailed, then too."""
        try:
            if self._dead is None:
                with self._alive_or_dead("closing"):
                    if self.pending or self._has_decided:
                        self._append_all()
                    self._segment.confirm(self._last, [1 - self._last.sequence % 2])
        finally:
            self._dead = self._dead or "the log is closed"
            self._segment.file.close()
            self._reader.close()

    def _check_repair(self, group: int, slot: int, payload: bytes) -> None:
        faulty = self._reader.faulty_slot(group, slot)
        if faulty is not None and slot <= self._states[group].decided_through and digest(payload) != faulty.hash:
            raise LogRefused(
                f"group {group}, slot {slot}: the others repair it with another payload than the one decided here. "
                "Replicas disagree: stop them all and keep their directories"
            )

    def _rescued(self) -> list[Pending]:
        """What is needed of the oldest segments, as long as it is little: worth writing again to be rid of them."""
        rescued: list[Pending] = []
        room = self._config.segment_bytes // RESCUE_SHARE
        for segment, needed in sorted(self._reader.segments().items()):
            room -= needed
            if segment == self._last.segment or room < 0 or self._reader.has_faulty(segment):
                break
            for group, entry in self._reader.entries_in(segment):
                rescued.append(Pending(pack_name(group, entry.slot, entry.ballot), entry.payload))
        return rescued

    def _delete_before(self, oldest: int) -> None:
        """What was moved is durable. Say durably which segments count, then delete the others, oldest first."""
        former, self._oldest = self._oldest, oldest
        self._append([])
        self._reader.close()
        for number in range(former, oldest):
            self._directory.remove(segment_name(number))
            self._directory.sync()  # so that what is left after a power loss has no gaps

    def _append_all(self) -> None:
        while True:
            batch, self._records = self._split(self._records)
            self._append(batch)
            if not self._records:
                break
        self._has_promise = self._has_decided = False

    def _split(self, records: list[Pending]) -> tuple[list[Pending], list[Pending]]:
        """As many as one batch takes, and the rest."""
        room = self._config.max_payload_bytes + HEADER_BYTES
        for count, record in enumerate(records):
            room -= record.size
            if count == MAX_RECORDS or room < 0:
                return records[:count], records[count:]
        return records, []

    def _append(self, records: list[Pending]) -> None:
        if not self._segment.has_room(batch_bytes(records, len(self._packed))):
            self._roll()
        batch = seal(records, b"".join(self._packed.values()), self._segment.start, self._last, self._oldest)
        self._segment.append(batch)
        self._last = batch.manifest
        self._reader.note(self._last)

    def _roll(self) -> None:
        last = self._last
        states = b"".join(self._packed.values())
        first = first_manifest(last.segment + 1, self._oldest, last.sequence, last.chain, states)
        identity = Identity(first.segment, self._config.segment_bytes, self._owner)
        segment = create_segment(self._directory, identity, first, self._config.blank_ahead_bytes)
        self._segment.file.close()
        self._segment, self._last = segment, first

    def _state(self, group: int) -> GroupState:
        state = self._states.get(group)
        if state is None:
            if len(self._states) == MAX_GROUPS:
                raise LogRefused(f"group {group} is one too many: a log serves at most {MAX_GROUPS}")
            state = GroupState()
        return state

    def _raise_promise(self, group: int, state: GroupState, ballot: BallotTuple) -> None:
        if ballot > state.promised:
            self._set(group, state._replace(promised=ballot))
            self._has_promise = True

    def _set(self, group: int, state: GroupState) -> None:
        self._packed[group] = pack_state(group, state)
        self._states[group] = state

    def _check_alive(self) -> None:
        if self._dead is not None:
            raise LogFailed(self._dead)

    @contextmanager
    def _alive_or_dead(self, doing: str) -> Iterator[None]:
        """Whatever interrupts a change of the files ends the log: nobody knows what they hold now."""
        try:
            yield
        except BaseException as error:
            self._dead = f"{doing} the acceptor log failed: {error!r}"
            if isinstance(error, OSError):
                raise LogFailed(self._dead) from error
            raise


def _begin(directory: Directory, owner: bytes, config: LogConfig) -> Recovered:
    first = first_manifest(FIRST_SEGMENT, FIRST_SEGMENT, 0, digest(b"ostraka log" + owner), b"")
    identity = Identity(FIRST_SEGMENT, config.segment_bytes, owner)
    return Recovered(create_segment(directory, identity, first, config.blank_ahead_bytes), first, Reader(directory))


def _remove_unfinished(directory: Directory) -> None:
    """Remove a segment whose creation was interrupted: nothing in it has ever counted."""
    for name in directory.list():
        if name.endswith(UNFINISHED):
            directory.remove(name)
