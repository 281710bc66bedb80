from io import BytesIO

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from lvpipe.decoders.mat5 import read_arrays, read_shapes
from lvpipe.study import Unreadable

TABLE = {
    "image": np.arange(6 * 5 * 20, dtype=np.int16).reshape(6, 5, 20),
    "real": np.linspace(-1, 1, 12).reshape(3, 4),
    "single": np.float32([[1.5, np.nan]]),
    "one": 2.0,
    "few": np.uint8([[1, 2, 3]]),
    "yes": np.array([[True, False]]),
    "a_name_that_is_longer_than_the_four_bytes_of_a_tag": np.int64([[2**40]]),
    "none": np.zeros((0, 3)),
    "text": "Secret",
    "cell": np.array(["a", "b"], dtype=object),
    "both": np.array([1 + 2j]),
}
NUMBERS = [name for name in TABLE if name not in ("text", "cell", "both")]


def matlab(**options) -> bytes:
    stream = BytesIO()
    savemat(stream, TABLE, **options)
    return stream.getvalue()


@pytest.mark.parametrize("zipped", [False, True])
def test_arrays_are_those_that_scipy_reads(zipped):
    content = matlab(do_compression=zipped)
    wanted, found = loadmat(BytesIO(content)), read_arrays(content, list(TABLE))
    assert sorted(found) == sorted(NUMBERS)
    assert read_shapes(content) == {name: wanted[name].shape for name in NUMBERS}
    for name in NUMBERS:
        assert found[name].dtype == wanted[name].dtype
        np.testing.assert_array_equal(found[name], wanted[name])


def test_only_what_is_wanted_is_unpacked():
    assert list(read_arrays(matlab(), ["one", "other"])) == ["one"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (matlab()[:1200], "claims 600 numbers and has .*: cut off"),
        (matlab(do_compression=True)[:700], "cut off|damaged"),
        (b"MATLAB 7.3 MAT-file" + bytes(600), r"version 7.3 \(HDF5\); expected version 7"),
        (matlab()[:126] + b"XX" + matlab()[128:], "no MATLAB file"),
    ],
)
def test_what_is_damaged_says_so(content, cause):
    with pytest.raises(Unreadable, match=cause):
        read_arrays(content, NUMBERS)


def test_a_damaged_file_is_read_or_refused_and_nothing_else_happens():
    random = np.random.default_rng(3)
    for whole in (matlab(), matlab(do_compression=True)):
        for _ in range(200):
            content = bytearray(whole)
            for place in random.integers(128, 600, random.integers(1, 4)):
                content[place] = random.integers(0, 256)
            try:
                read_arrays(bytes(content), NUMBERS)
            except Unreadable:
                continue
