"""Training images on disk: written case by case, read a few at a time, so that memory does not grow with the cases."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lvpipe.cases import number
from lvpipe.errors import UserError
from lvpipe.files import read_json, replacing_folder, write_json

_HEADER_BYTES = 128
"""Room for the header of an `.npy` file of three axes; it is written last, when the number of images is known."""


class Rows:
    """The images of an `.npy` file of bytes `(n, side, side)`.

    Read, not mapped: pages of a mapped file count as the job's memory, which would grow with the store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as stream:
            npy.read_magic(stream)
            (n, *self._shape), _, _ = npy.read_array_header_1_0(stream)
        if path.stat().st_size != _HEADER_BYTES + n * int(np.prod(self._shape)):
            raise ValueError(f"{path.name}: not as long as its header says")

    def read(self, places: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The images at these places, in their order; the disk is read from front to back."""
        images_nyx = np.empty((len(places), *self._shape), np.uint8)
        size = int(np.prod(self._shape))
        # Unbuffered: a buffer would read what lies between the images too.
        with self._path.open("rb", buffering=0) as stream:
            for i in np.argsort(places):
                stream.seek(_HEADER_BYTES + int(places[i]) * size)
                if stream.readinto(images_nyx[i]) != size:
                    raise UserError(f"{self._path}: ends before image {places[i]}; delete it and run again")
        return images_nyx


@dataclass(frozen=True)
class Samples:
    """Images (0..255) and their targets, the label of each pixel, at some places of a store."""

    images: Rows
    targets: Rows
    places: NDArray[np.intp]
    counts: Mapping[str, int]
    """How many images of each case the whole store has, in their order."""

    def __len__(self) -> int:
        return len(self.places)

    def only(self, chosen: slice | Sequence[int]) -> "Samples":
        """Some of the samples, in this order."""
        which = chosen if isinstance(chosen, slice) else np.asarray(chosen, np.intp)
        return replace(self, places=self.places[which])

    def read(self, chosen: NDArray[np.intp]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Images and targets of these numbers, both `(n, side, side)`."""
        return self.images.read(self.places[chosen]), self.targets.read(self.places[chosen])

    def owners(self) -> list[str]:
        """The case of each sample."""
        cases, ends = list(self.counts), np.cumsum([*self.counts.values()])
        return [cases[i] for i in np.searchsorted(ends, self.places, side="right")]


class Store:
    """A finished folder of samples, which knows how many each case has."""

    def __init__(self, folder: Path) -> None:
        self.images, self.targets = Rows(folder / "images.npy"), Rows(folder / "targets.npy")
        self.counts: dict[str, int] = dict(read_json(folder / "cases.json"))
        ends = np.cumsum([0, *self.counts.values()])
        self._places = {case: np.arange(*ends[i : i + 2]) for i, case in enumerate(self.counts)}

    def samples(self, cases: Sequence[str]) -> Samples:
        """The samples of these cases, in their order."""
        places = [np.empty(0, np.intp), *(self._places[case] for case in cases)]
        return Samples(self.images, self.targets, np.concatenate(places), self.counts)

    def ranked(self, cases: Sequence[str], word: str) -> Samples:
        """The same in an order that follows from hashes of the word and each sample's name, whatever others there are:
        the first ones of fewer cases keep their order among those of more.
        """
        names = [f"{word} {case} {i}" for case in cases for i in range(self.counts[case])]
        return self.samples(cases).only(sorted(range(len(names)), key=lambda i: number(names[i])))


def write_store(folder: Path, cases: Iterable[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]) -> None:
    """Write images and targets of one case after another; the folder appears when all are written."""
    with replacing_folder(folder) as part:
        _write_cases(part, cases)


def _write_cases(folder: Path, cases: Iterable[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]) -> None:
    counts = []
    with _Writer(folder / "images.npy") as images, _Writer(folder / "targets.npy") as targets:
        for case, images_nyx, targets_nyx in cases:
            images.append(case, images_nyx)
            targets.append(case, targets_nyx)
            counts.append((case, len(images_nyx)))
    write_json(folder / "cases.json", counts)


class _Writer:
    """An `.npy` file that grows; without its header, which comes last, it is none."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._stream.write(bytes(_HEADER_BYTES))
        self._shape = (0, 0, 0)

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._stream as stream:
            if kind is None:
                stream.seek(0)
                npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": self._shape})
                assert stream.tell() == _HEADER_BYTES
                stream.flush()
                os.fsync(stream.fileno())  # before the folder gets its name: a crash must not leave black images

    def append(self, case: str, images_nyx: NDArray[np.uint8]) -> None:
        if not len(images_nyx):
            return
        n, *shape = self._shape
        if n and tuple(shape) != images_nyx.shape[1:]:
            raise UserError(
                f"{case}: its images are {images_nyx.shape[1]} px wide, those of the cases before it {shape[0]}; "
                f"expected one `window: side_px` for all"
            )
        self._shape = (n + len(images_nyx), *images_nyx.shape[1:])
        self._stream.write(np.ascontiguousarray(images_nyx).data)
