"""What the machine refused, in words: which file, what happened, and how to mend it."""

import errno
import os

_GO_ON = "then `make resume`: finished files are kept"

_MENDS = {
    errno.ENOENT: "no such file",
    errno.ENOSPC: f"no space left on its disk; make room there, {_GO_ON}",
    errno.EDQUOT: f"the disk quota is used up; make room or ask for more, {_GO_ON}",
    errno.EFBIG: f"larger than its file system or `ulimit -f` allows; write elsewhere (`--directory`), {_GO_ON}",
    errno.EROFS: f"its file system is read-only; mount it for writing, {_GO_ON}",
    errno.EACCES: f"permission denied; make it yours to read and write (`ls -ld` tells whose it is), {_GO_ON}",
    errno.EPERM: f"the system does not permit it; make it yours to write (`lsattr` tells if it is locked), {_GO_ON}",
    errno.ENOTDIR: f"a part of this path is a file, expected a folder; move that file away, {_GO_ON}",
    errno.EISDIR: f"is a folder, expected a file; move it away, {_GO_ON}",
    errno.ENOTEMPTY: f"is a folder that is not empty; move it away, {_GO_ON}",
    errno.EIO: f"the disk failed; see the system's log (`dmesg`) and mend or change the disk, {_GO_ON}",
    errno.ESTALE: f"its network folder went away; mount it again, {_GO_ON}",
    errno.EMFILE: f"too many open files; raise `ulimit -n`, {_GO_ON}",
    errno.ENAMETOOLONG: f"the name is too long for its file system; write elsewhere (`--directory`), {_GO_ON}",
}

_OUT_OF_MEMORY = (
    "not enough memory; end other programs or lower `--cores`, give the job more (`mem_mb`), "
    f"or lower the stage's `batch_images` where it has one, {_GO_ON}"
)

_TORCH_SAYS = ("can't allocate memory", "out of memory")
"""Torch has no class of its own for a processor's memory that ran out: it is a RuntimeError with these words."""


def in_words(error: BaseException) -> str | None:
    """One line for a fault of the machine; None for anything else, which is a bug and keeps its traceback."""
    if isinstance(error, OSError):
        return _system_in_words(error)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _is_torchs(error)):
        return _OUT_OF_MEMORY
    return None


def _system_in_words(error: OSError) -> str:
    if error.errno is None:  # raised with a text of its own, not by the system
        return " ".join(str(error).split())
    what = _MENDS.get(error.errno) or f"{os.strerror(error.errno)} ({errno.errorcode.get(error.errno, error.errno)})"
    return f"{os.fsdecode(error.filename)}: {what}" if isinstance(error.filename, str | bytes) else what


def _is_torchs(error: RuntimeError) -> bool:
    return any(words in str(error) for words in _TORCH_SAYS)
