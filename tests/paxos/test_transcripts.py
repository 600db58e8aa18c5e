"""Every transcript says what happens. `--rewrite` writes down what does: read the difference before it is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paxos.script import Block, Script, parse, render

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_replicas_do_what_the_transcript_says(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    script = Script()
    ran = [Block(block.remarks, block.command, script.run(block.command)) for block in parse(text)]
    if request.config.getoption("--rewrite"):
        path.write_text(render(ran))
    else:
        assert render(ran) == text
