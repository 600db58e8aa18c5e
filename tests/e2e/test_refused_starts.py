"""A node that must not run as it is: it says what is wrong and what to do, and the others go on."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ostraka.cli.dev_plan import HOST
from tests.e2e.commands import run
from tests.e2e.harness import Cluster, configured
from tests.e2e.member import Member
from tests.e2e.undisturbed import undisturbed

pytestmark = pytest.mark.e2e

USAGE, REFUSED = 2, 4


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Ready, but for n3: it was part of it, and is stopped."""

    async def without_n3(cluster: Cluster) -> None:
        async with cluster.client() as client:
            await cluster.until_ready(client)
            await client.put("before", "the stop")
            _stop(cluster["n3"])

    with configured(tmp_path_factory.mktemp("majority") / "cluster") as cluster:
        cluster.start()
        asyncio.run(without_n3(cluster))
        yield cluster


@pytest.fixture
def n3(cluster: Cluster) -> Member:
    return cluster["n3"]


def _with(member: Member, to: Path, **settings: str) -> Path:
    """A copy of the member's configuration, with these lines changed or added."""
    text = member.node.config_file.read_text()
    for key, value in settings.items():
        text = re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE)
        text = f'{key} = "{value}"\n{text}'
    to.write_text(text)
    return to


def _stop(member: Member) -> None:
    member.signal(signal.SIGTERM)
    assert member.wait() == 0


def _refusal(cluster: Cluster, config: Path, keep: Path, code: int) -> str:
    """What a node of this configuration says when it refuses to run, while callers use the others."""

    async def start() -> str:
        async with undisturbed(cluster, keep):
            answer = await asyncio.to_thread(run, sys.executable, "-m", "ostraka_server", "--config", str(config))
        assert answer.returncode == code, answer.stderr
        assert "Traceback" not in answer.stderr
        *_, last_line = answer.stderr.splitlines()
        assert last_line.startswith("ostraka: ")
        return last_line

    return asyncio.run(start())


def test_an_unknown_key(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    config = _with(n3, tmp_path / "node.toml", lisen_http="127.0.0.1:0")
    said = _refusal(cluster, config, tmp_path, USAGE)
    assert f"{config}: unknown key lisen_http; did you mean listen_http?" in said


@pytest.mark.parametrize("kind", ["client", "replica", "http"])
def test_a_port_in_use(cluster: Cluster, n3: Member, tmp_path: Path, kind: str) -> None:
    port = getattr(n3.node, f"{kind}_port")
    with closing(socket.create_server((HOST, port))):
        said = _refusal(cluster, n3.node.config_file, tmp_path, REFUSED)
    assert re.search(rf"cannot listen.* on {HOST}:{port}.*in use.*stop what uses it, or set listen_{kind}",
                     said, re.IGNORECASE)  # fmt: skip


def test_the_directory_of_another_node(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    copy = shutil.copytree(cluster["n2"].node.directory / "data", tmp_path / "copy")
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", data_dir=str(copy)), tmp_path, REFUSED)
    assert f"{copy} belongs to node 'n2' of cluster 'e2e', not to node 'n3' of cluster 'e2e': set data_dir" in said


def test_the_directory_of_another_cluster(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", cluster="other"), tmp_path, REFUSED)
    assert "belongs to node 'n3' of cluster 'e2e', not to node 'n3' of cluster 'other': set data_dir" in said


def test_a_directory_in_use(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    used = cluster["n2"].node.directory / "data"
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", data_dir=str(used)), tmp_path, REFUSED)
    assert f"{used} is in use by another process: stop that node, or give this one a data_dir" in said


def test_a_directory_that_holds_something_else(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").touch()
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", data_dir=str(other)), tmp_path, REFUSED)
    assert f"{other} holds cat.jpg but no identity.json" in said
    assert "Give the node an empty directory" in said


def test_an_empty_directory_where_a_members_was(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    config = _with(n3, tmp_path / "node.toml", data_dir=str(tmp_path / "empty"))
    said = _refusal(cluster, config, tmp_path, REFUSED)
    assert "the data directory of node 'n3' is new" in said
    assert "Put the old directory back" in said
    assert "`ostraka dump` against the remaining majority and `ostraka load` into a new cluster" in said


def test_a_log_that_is_gone(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    copy = shutil.copytree(n3.node.directory / "data", tmp_path / "copy")
    shutil.rmtree(copy / "log")
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", data_dir=str(copy)), tmp_path, REFUSED)
    assert "the acceptor log is gone" in said


def test_an_old_copy_of_its_directory(cluster: Cluster, n3: Member, tmp_path: Path) -> None:
    """It was stopped, copied, and went on after that: the copy has forgotten what it promised since."""

    async def go_on() -> None:
        async with cluster.client() as client:
            n3.start()
            await cluster.until_ready(client)
            _stop(cluster["n2"])  # so that nothing is acknowledged without n3, and n1 sees it get on
            await client.put("after the copy", "value")
            cluster["n2"].start()
            await cluster.until_ready(client)
            _stop(n3)

    copy = shutil.copytree(n3.node.directory / "data", tmp_path / "copy")
    asyncio.run(go_on())
    said = _refusal(cluster, _with(n3, tmp_path / "node.toml", data_dir=str(copy)), tmp_path, REFUSED)
    assert f"{copy} is an old copy" in said
    assert "Put the newest directory back" in said


def test_after_all_that_the_node_starts_as_it_was(cluster: Cluster, n3: Member) -> None:
    async def start() -> None:
        async with cluster.client() as client:
            n3.start()
            await cluster.until_ready(client)
            found = await client.get("before")
            assert found is not None
            assert found.value == b"the stop"

    asyncio.run(start())
