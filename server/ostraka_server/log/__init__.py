"""The acceptor log: what every group of a node promised and accepted. Imports no other package of the server."""

from ostraka_server.log.acceptor import AcceptorLog
from ostraka_server.log.config import LogConfig
from ostraka_server.log.errors import Damage, EntryDamaged, LogCorrupt, LogError, LogFailed, LogRefused
from ostraka_server.log.files import Directory, File
from ostraka_server.log.memory import MemoryDirectory
from ostraka_server.log.posix import PosixDirectory
from ostraka_server.log.values import BallotTuple, FaultySlot, Held, LoggedEntry, RecoveredGroup

__all__ = [
    "AcceptorLog",
    "BallotTuple",
    "Damage",
    "Directory",
    "EntryDamaged",
    "FaultySlot",
    "File",
    "Held",
    "LogConfig",
    "LogCorrupt",
    "LogError",
    "LogFailed",
    "LogRefused",
    "LoggedEntry",
    "MemoryDirectory",
    "PosixDirectory",
    "RecoveredGroup",
]
