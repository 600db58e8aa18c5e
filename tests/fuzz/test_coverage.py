"""Whatever reads bytes in the product is fuzzed: a decoder that is new in the code and not named by one fails here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.fuzz.campaign import all_decoders
from tests.repo import sources

READING = {"FromString", "ParseFromString", "MergeFromString", "unpack", "unpack_from", "iter_unpack", "b64decode"}
"""Attributes that make values of bytes, whatever they belong to."""

LOADING = {"json.load", "json.loads", "tomllib.load", "tomllib.loads", "pickle.loads", "marshal.loads"}

OWN_BYTES = {"ostraka._exchange:Exchange._add", "store.blocks:Block.__init__"}
"""Read bytes that the same process wrote, or whose CRC they have checked (tests/store/test_damage.py damages them)."""


def _sites(tree: ast.AST, scope: str = "") -> Iterator[str]:
    """The qualified names of the functions that read bytes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _sites(node, f"{scope}.{node.name}".removeprefix("."))
        else:
            if isinstance(node, ast.Attribute) and (node.attr in READING or sources.dotted(node) in LOADING):
                yield scope
            yield from _sites(node, scope)


def _found() -> set[str]:
    found = set()
    for root in sources.SHIPPED:
        for path in sources.python_files(root):
            module = ".".join(path.relative_to(sources.ROOT / root).with_suffix("").parts)
            module = module.removeprefix("ostraka_server.")
            found |= {f"{module}:{site}" for site in _sites(sources.parsed(path))}
    return found


def test_every_function_that_reads_bytes_is_named_by_a_decoder() -> None:
    with all_decoders() as decoders:
        named = {site for decoder in decoders for site in decoder.sites}
    assert _found() - OWN_BYTES == named


def test_a_new_decoder_is_seen() -> None:
    code = (
        "class A:\n  def f(self):\n    g(B.FromString)\nasync def h(): return json.loads(x)\ndef i(): return loads(x)"
    )
    assert sorted(_sites(ast.parse(code))) == ["A.f", "h"]
