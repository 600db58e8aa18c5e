"""A real Prometheus with the configuration that deploy/ offers, and its HTTP query API."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ostraka.cli.dev_plan import HOST
from tests.e2e.harness import tool, until
from tests.e2e.member import DIES_WITH_US
from tests.repo.sources import ROOT

OFFERED = ROOT / "deploy" / "prometheus"
LOG_TAIL_BYTES = 4000


class Prometheus:
    """Its API, while it runs."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._address = ""

    async def until_ready(self) -> None:
        """Return once it answers. AssertionError where it does not in time."""

        async def answers() -> bool:
            if listening := re.search(r'msg="Listening on" address=(\S+)', self._log_file.read_text()):
                self._address = listening[1]
            return bool(self._address) and self._get("/-/ready") is not None

        await until(answers, "Prometheus is ready")

    async def until(self, expression: str, value: float) -> None:
        """Return once the expression has this value. AssertionError where it has not in time."""

        async def has() -> bool:
            return self.value(expression) == value

        await until(has, f"{expression} is {value}")

    def value(self, expression: str) -> float | None:
        """Of an expression that gives one sample, now; None where it gives none."""
        samples = self._ask("query?" + urlencode({"query": expression}))["result"]
        assert len(samples) <= 1, f"{expression} gives {samples}"
        return float(samples[0]["value"][1]) if samples else None

    def rules(self) -> list[Mapping[str, Any]]:
        """Every rule with its state and health."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, query: str) -> Any:
        answer = self._get(f"/api/v1/{query}")
        assert answer is not None, "Prometheus does not answer"
        return json.loads(answer)["data"]

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"http://{self._address}{path}", timeout=10) as answer:
                body: bytes = answer.read()
        except OSError:
            return None
        return body


@contextmanager
def prometheus(directory: Path, targets: Iterable[str]) -> Iterator[Prometheus]:
    """Scrapes `targets` in place of those that the offered configuration names, each second."""
    shutil.copytree(OFFERED, directory)
    config = directory / "prometheus.yml"
    offered = config.read_text()
    text = re.sub(r"(_interval): \w+", r"\1: 1s", offered)
    text = re.sub(r"(targets:)(\n +- \S+)+", rf"\1 {json.dumps(list(targets))}", text)
    config.write_text(text)
    log_file = directory / "prometheus.log"
    command = [tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*DIES_WITH_US, *command, f"--web.listen-address={HOST}:0"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(log_file)
    except BaseException as error:
        error.add_note(log_file.read_text()[-LOG_TAIL_BYTES:])
        raise
    finally:
        process.kill()
        process.wait()
