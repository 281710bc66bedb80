"""Compressed DICOM pixels, decoded in a process of their own, which a damaged stream may crash or bloat as it likes.

One process serves all files of a study: it takes 0.25 s to start, a frame of 256 x 256 some milliseconds.
`python -m lvpipe.decoders.dicom.codec` is that process: it answers on its standard streams until they close.
"""

import os
import resource
import struct
import subprocess
import sys
import threading
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lvpipe.study import Unreadable

CODECS = {
    "1.2.840.10008.1.2.4.50": "jpeg",  # baseline, 8 bits
    "1.2.840.10008.1.2.4.51": "jpeg",  # extended, 8 or 12 bits
    "1.2.840.10008.1.2.4.57": "jpeg",  # lossless, any predictor
    "1.2.840.10008.1.2.4.70": "jpeg",  # lossless, first predictor
    "1.2.840.10008.1.2.4.80": "jpegls",
    "1.2.840.10008.1.2.4.81": "jpegls",  # near-lossless
    "1.2.840.10008.1.2.4.90": "jpeg2k",  # lossless
    "1.2.840.10008.1.2.4.91": "jpeg2k",
    "1.2.840.10008.1.2.5": "rle",
}
"""Transfer syntaxes that are decoded, and by what; those on Enhanced Multi-frame or video streams are not."""

_MEMORY_MAX = 640 * 2**20
"""Address space of the process: half of it is libraries; a frame of 4096 x 4096 words with JPEG 2000 needs the rest."""

_FRAME_SECONDS = 2
_PIXELS_A_SECOND = 2**20
"""Processor time for one frame: far more than any takes. Some damaged JPEG-LS streams make CharLS turn for 5 s."""

_ENDS = {"jpeg": b"\xff\xd9", "jpegls": b"\xff\xd9"}
"""How streams end; without it libjpeg would fill what is missing with grey. JPEG 2000's own end is often left out, and
its decoder notices itself."""

_WAIT_SECONDS = 60.0
"""Until a process that neither answers nor computes is ended."""

_ASK = struct.Struct("<8sIIII")
_ANSWER = struct.Struct("<8sII")
_KINDS = frozenset({"uint8", "int8", "uint16", "int16"})


class Codec:
    """The process, started when it is first needed and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def decode(self, syntax: str, stream: bytes, itemsize: int, shape_yx: tuple[int, int]) -> NDArray[np.generic]:
        """One frame's pixels, of the kind that the stream says they are.

        Raises:
            Unreadable: the stream is damaged.
        """
        codec = CODECS[syntax]
        if not stream.rstrip(b"\0").endswith(_ENDS.get(codec, b"")):
            raise Unreadable("its compressed pixels are cut off")
        with self._lock:
            process = self._running()
            timer = threading.Timer(_WAIT_SECONDS, process.kill)
            timer.start()
            try:
                ask = _ASK.pack(codec.encode(), itemsize, *shape_yx, len(stream))
                pixels = _exchange(process, ask + stream)
            except (OSError, struct.error):
                self.close()
                raise Unreadable("its compressed pixels are damaged: their codec crashed") from None
            finally:
                timer.cancel()
        if pixels is None or pixels.shape != shape_yx:
            raise Unreadable("its compressed pixels are damaged, or of another size than the header says")
        return pixels

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries print what they think of a stream
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        return self._process


CODEC = Codec()
"""The one of this process."""


def _exchange(process: "subprocess.Popen[bytes]", ask: bytes) -> NDArray[np.generic] | None:
    asked, answers = process.stdin, process.stdout
    if asked is None or answers is None:
        raise OSError
    asked.write(ask)
    asked.flush()
    kind, rows, columns = _ANSWER.unpack(answers.read(_ANSWER.size))
    name = kind.rstrip(b"\0").decode()
    if name not in _KINDS:
        return None
    content = answers.read(rows * columns * np.dtype(name).itemsize)
    if len(content) != rows * columns * np.dtype(name).itemsize:
        raise OSError
    return np.frombuffer(content, name).reshape(rows, columns)


def _serve(asked: BinaryIO, answers: BinaryIO) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while head := asked.read(_ASK.size):
        codec, itemsize, rows, columns, size = _ASK.unpack(head)
        stream = asked.read(size)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + _FRAME_SECONDS + rows * columns // _PIXELS_A_SECOND
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        try:
            answer = _answer(_decoded(codec.rstrip(b"\0").decode(), stream, itemsize, (rows, columns)))
        except Exception:  # what a damaged stream makes a codec raise has no bound
            answer = _ANSWER.pack(b"", 0, 0)
        answers.write(answer)
        answers.flush()


def _answer(pixels: NDArray[np.generic]) -> bytes:
    rows, columns = pixels.shape
    return _ANSWER.pack(pixels.dtype.name.encode(), rows, columns) + pixels.tobytes()


def _decoded(codec: str, stream: bytes, itemsize: int, shape_yx: tuple[int, int]) -> NDArray[np.generic]:
    import imagecodecs

    if codec == "rle":
        return np.frombuffer(imagecodecs.dicomrle_decode(stream, f"<u{itemsize}"), f"<u{itemsize}").reshape(shape_yx)
    decode = {"jpeg": imagecodecs.jpeg_decode, "jpegls": imagecodecs.jpegls_decode, "jpeg2k": imagecodecs.jpeg2k_decode}
    return np.asarray(decode[codec](stream))


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
