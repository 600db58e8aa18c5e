"""The real files: pread, pwrite and fdatasync on Linux, readable by their owner only."""

from __future__ import annotations

import os
from pathlib import Path

from ostraka_server.log.files import File


class PosixFile:
    """A `File` over a descriptor that it owns."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, length: int) -> bytes:
        parts = []
        # Linux reads at most 2 GiB a call, and less when a signal comes: go on until it reads nothing.
        while length > 0 and (part := os.pread(self._descriptor, length, offset)):
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        written = os.pwrite(self._descriptor, data, offset)
        while written < len(data):
            written += os.pwrite(self._descriptor, memoryview(data)[written:], offset + written)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class PosixDirectory:
    """A `Directory` at a path, made when it is missing (its parent must exist)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_dir():
            path.mkdir(mode=0o700)
            _sync_directory(path.parent)

    def list(self) -> list[str]:
        return sorted(os.listdir(self._path))

    def create(self, name: str, size: int) -> File:
        descriptor = os.open(self._path / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            os.close(descriptor)
            raise
        return PosixFile(descriptor)

    def open(self, name: str) -> File:
        return PosixFile(os.open(self._path / name, os.O_RDWR | os.O_CLOEXEC))

    def rename(self, old: str, new: str) -> None:
        os.rename(self._path / old, self._path / new)

    def remove(self, name: str) -> None:
        os.unlink(self._path / name)

    def sync(self) -> None:
        _sync_directory(self._path)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
