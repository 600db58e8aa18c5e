"""Run by the tests as a process: `ostraka dev` with children that only answer /readyz.

Arguments: the data directory, and what the children do: `serve`, `ignore` SIGTERM, or exit with a `code`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ostraka.cli.dev import run_cluster
from ostraka.cli.dev_plan import Node, plan

CHILD = """
import http.server, os, signal, sys
if sys.argv[2].isdecimal():
    print("the directory belongs to another node", flush=True)
    sys.exit(int(sys.argv[2]))
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "ignore" else lambda *_: os._exit(0))
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


def main(data_dir: Path, behaviour: str) -> int:
    def command(node: Node) -> list[str]:
        return [sys.executable, "-c", CHILD, str(node.http_port), behaviour]

    return run_cluster(plan(2, data_dir, 0), data_dir, command)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
