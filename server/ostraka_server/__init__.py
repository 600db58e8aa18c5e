"""The Ostraka node. Start at `node.py`; ARCHITECTURE.md has the map."""

import os

# gRPC's core writes lines of its own to standard error, in another format and about what is handled here anyway.
# It reads this once, when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
