"""Small disks that can be filled to the last byte: tmpfs, where we may mount."""

import contextlib
import ctypes
import os
import shutil
from pathlib import Path

SMALL = 24
"""MB of the disk that each agent, and the coordinator, has to itself."""
_CLONE_NEWNS = 0x00020000
_MS_REC_PRIVATE = 0x4000 | (1 << 18)
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def private_mounts() -> bool:
    """Let what we mount be seen by our own processes only, and vanish with them; False if we may not mount.

    To be called before there is any thread.
    """
    if _libc.unshare(_CLONE_NEWNS) != 0:
        return False
    return _libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None) == 0


def mount(place: Path) -> None:
    """A small disk in place of a folder.

    Raises:
        OSError: that may not be.
    """
    if _libc.mount(b"tmpfs", str(place).encode(), b"tmpfs", 0, f"size={SMALL}m,mode=700".encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(place))


def unmount(place: Path) -> None:
    """Copy what stands on a small disk to a folder beside it, and let go of it."""
    kept = place.with_name(f"{place.name}-as-it-was")
    with contextlib.suppress(OSError, shutil.Error):
        shutil.copytree(place, kept, ignore=shutil.ignore_patterns("*.sock", "ballast"))
    _libc.umount2(str(place).encode(), _MNT_DETACH)


def fill(place: Path, *, full: bool) -> None:
    """Fill a disk that we mounted to the last byte, or make room again."""
    ballast = place / "ballast"
    if not full:
        ballast.unlink(missing_ok=True)
        return
    for piece in (65536, 512):
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(piece))
