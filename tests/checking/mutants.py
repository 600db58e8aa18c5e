"""Bugs put into the checkers on purpose, in memory: a corpus that does not tell them tells nothing of the checkers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

WGL = "ostraka.checking"
WITNESS = "ostraka.checking.witness"
TRANSACTIONS = "ostraka.checking.transactions"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module in which one piece of text stands for another. The old one occurs in it exactly once."""

    name: str
    module: str
    old: str
    new: str

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Within it the bug is there, whoever had imported the function: functions stay, their code is exchanged."""
        module = importlib.import_module(self.module)
        changed = dict(_functions(self._changed(module)))
        kept = {function: function.__code__ for _, function in _functions(module)}
        for name, function in _functions(module):
            function.__code__ = changed[name].__code__
        try:
            yield
        finally:
            for function, code in kept.items():
                function.__code__ = code

    def _changed(self, module: ModuleType) -> ModuleType:
        """The module loaded anew, with the bug."""
        path = module.__file__
        assert path is not None
        source = Path(path).read_text()
        assert source.count(self.old) == 1, f"{self.old!r} occurs {source.count(self.old)} times in {self.module}"
        loader = _Loader(self.module, path, source.replace(self.old, self.new))
        spec = spec_from_loader(self.module, loader)
        assert spec is not None
        twin = module_from_spec(spec)
        loader.exec_module(twin)
        return twin


class _Loader(SourceFileLoader):
    """Loads a module from a text that stands in no file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """The functions written in the module, those of its classes too, by name."""
    classes = [each for each in vars(module).values() if isinstance(each, type)]
    for owner, members in [("", vars(module)), *((each.__name__, vars(each)) for each in classes)]:
        for name, member in members.items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if isinstance(function, FunctionType) and function.__code__.co_filename == module.__file__:
                yield f"{owner}.{name}", function


MUTANTS = [
    Mutant(
        "memo ignores the state", f"{WGL}.wgl", "(*self._so_far(), after)", "(*self._so_far(), self._model.initial)"
    ),
    Mutant(
        "memo ignores what was taken of the unknown",
        f"{WGL}.wgl",
        "self._placed >> first, self._taken",
        "self._placed >> first, 0",
    ),
    Mutant(
        "partition by value",
        f"{WGL}.linearizability",
        "by_key[operation.key]",
        'by_key[operation.value or b""]',
    ),
    Mutant(
        "no partition",
        f"{WGL}.linearizability",
        "by_key[operation.key]",
        'by_key[b""]',
    ),
    Mutant(
        "giving up passes",
        f"{WGL}.linearizability",
        "self.verdict is Verdict.LINEARIZABLE",
        "self.verdict is not Verdict.VIOLATION",
    ),
    Mutant(
        "unknown calls are done soon",
        f"{WGL}.evidence",
        "Effect(write, write.call, math.inf,",
        "Effect(write, write.call, write.call + 1,",
    ),
    Mutant("failed calls are done", f"{WGL}.evidence", "elif operation.outcome is Outcome.OK:", "else:"),
    Mutant("times that touch do not overlap", f"{WGL}.timeline", "(time, 0, 1 + i)", "(time, 2, 1 + i)"),
    Mutant(
        "revisions may stand still",
        f"{WGL}.register",
        "if revision <= state.revision:",
        "if revision < state.revision:",
    ),
    Mutant("a command may stand where it was seen before", f"{WITNESS}.check", "[number] <= floor", "[number] < floor"),
    Mutant("every read may be stale", f"{WITNESS}.check", "0 if seen.stale else floor", "0"),
    Mutant("no read may be stale", f"{WITNESS}.check", "0 if seen.stale else floor", "floor"),
    Mutant("where a read was answered is not held", f"{WITNESS}.check", "if seen.at is not None:", "if False:"),
    Mutant(
        "unknown commands may be applied twice",
        f"{WITNESS}.check",
        "if first != place:",
        "if first != place and seen.outcome is Outcome.OK:",
    ),
    Mutant("failed commands may be applied", f"{WITNESS}.check", "if seen.outcome is Outcome.FAILED:", "if False:"),
    Mutant("acknowledged commands may be missing", f"{WITNESS}.check", "number not in self._places", "False"),
    Mutant("answers of commands are not compared", f"{WITNESS}.check", "seen.answer != answer", "False"),
    Mutant("other commands may stand for those asked", f"{WITNESS}.check", "if request != seen.request:", "if False:"),
    Mutant(
        "only commands show how far it was",
        f"{WITNESS}.check",
        "self._places[number] = state",
        "self._places[number] = 0",
    ),
    Mutant(
        "times that touch do not overlap",
        f"{WITNESS}.check",
        "sorted(events)",
        "sorted(events, key=lambda event: (event[0], not event[1]))",
    ),
    Mutant("a state lacks its last command", f"{WITNESS}.keyspace", "bisect_right(changes,", "bisect_left(changes,"),
    Mutant("a delete of nothing is a change", f"{WITNESS}.keyspace", "if doomed:", "if True:"),
    Mutant("no real time", f"{TRANSACTIONS}.dependencies", "if order is Order.REALTIME:", "if False:"),
    Mutant("real time of neighbours only", f"{TRANSACTIONS}.dependencies", "graph.add(returned, node, kind)", "pass"),
    Mutant(
        "times that touch do not overlap",
        f"{TRANSACTIONS}.dependencies",
        "sorted(events)",
        "sorted(events, key=lambda event: (event[0], not event[1]))",
    ),
    Mutant(
        "all are one process",
        f"{TRANSACTIONS}.dependencies",
        "by_process[versions.transactions[number].process]",
        "by_process[0]",
    ),
    Mutant("no rw", f"{TRANSACTIONS}.dependencies", "if next_writer != NOBODY:", "if False:"),
    Mutant("no ww", f"{TRANSACTIONS}.dependencies", "yield Dependency(writer, next_writer, WW, key, at)", "pass"),
    Mutant("wr of the version before", f"{TRANSACTIONS}.dependencies", "[position - 1]", "[position - 2]"),
    Mutant("two rw count as one", f"{TRANSACTIONS}.cycles", "kinds.count(RW) > 1", "kinds.count(RW) > 2"),
    Mutant("rw apart may touch", f"{TRANSACTIONS}.cycles", "if rw_after_rw else", "if not rw_after_rw else"),
    Mutant(
        "knots fall apart",
        f"{TRANSACTIONS}.knots",
        "min(lowest[parent], lowest[node])",
        "lowest[parent]",
    ),
    Mutant(
        "the order of the shortest list", f"{TRANSACTIONS}.lists", "len(seen.values) > len(", "len(seen.values) < len("
    ),
    Mutant("unknown that was read is not done", f"{TRANSACTIONS}.lists", "happened[number] = True", "pass"),
    Mutant(
        "unread appends are forgotten",
        f"{TRANSACTIONS}.lists",
        "if self._versions.happened[writer] and",
        "if False and",
    ),
    Mutant("failed appends may be read", f"{TRANSACTIONS}.lists", "elif self._failed(writer):", "elif False:"),
    Mutant("lists need not agree", f"{TRANSACTIONS}.lists", "if values != longest.values[: len(values)]:", "if False:"),
    Mutant("own appends are not looked for", f"{TRANSACTIONS}.lists", "step.values[others:] != own or", ""),
    Mutant(
        "registers in order of value",
        f"{TRANSACTIONS}.registers",
        "key=lambda each: each[0]",
        "key=lambda each: each[1]",
    ),
    Mutant("a version may have two revisions", f"{TRANSACTIONS}.registers", "if known != revision:", "if False:"),
    Mutant(
        "one update may overwrite another", f"{TRANSACTIONS}.versions", "if len(numbers) > 1:", "if len(numbers) > 2:"
    ),
]
