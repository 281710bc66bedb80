"""What can be done to a DICOM file by accident or malice: each kind takes a file's bytes and returns others."""

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

Mutate = Callable[[bytes, Random], bytes]
Operate = Callable[[list[Path], Random], list[Path]]

_START = 132
"""Preamble and "DICM"; then come the elements of the file meta group."""

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
_VRS = (b"DS", b"IS", b"US", b"SS", b"UL", b"SL", b"FL", b"FD", b"LO", b"SQ", b"OB", b"UN", b"AT", b"PN", b"UI", b"ZZ")
_TAGS = {
    "TransferSyntaxUID": 0x00020010,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "SliceThickness": 0x00180050,
    "RepetitionTime": 0x00180080,
    "TriggerTime": 0x00181060,
    "NominalInterval": 0x00181062,
    "HeartRate": 0x00181088,
    "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013,
    "ImagePositionPatient": 0x00200032,
    "ImageOrientationPatient": 0x00200037,
    "SliceLocation": 0x00201041,
    "SamplesPerPixel": 0x00280002,
    "PhotometricInterpretation": 0x00280004,
    "PlanarConfiguration": 0x00280006,
    "NumberOfFrames": 0x00280008,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
    "PixelData": 0x7FE00010,
}
_WORDS = {"Rows", "Columns", "SamplesPerPixel", "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit"}
_WORDS |= {"PixelRepresentation"}
_TEXT_VR = {
    "InstanceNumber": b"IS",
    "AcquisitionNumber": b"IS",
    "NumberOfFrames": b"IS",
    "HeartRate": b"IS",
    "NominalInterval": b"IS",
    "PatientAge": b"AS",
    "PatientSex": b"CS",
    "PhotometricInterpretation": b"CS",
    "TransferSyntaxUID": b"UI",
}
_NUMBERS = ("0", "-1", "1e-30", "1e30", "1e308", "-1e308", "nan", "inf", "-inf", "", "noon", "1\\2\\3\\4", "9" * 400)

EXTREMES: dict[str, tuple[str | int, ...]] = {
    "PixelSpacing": (
        *("0\\0", "1e-30\\1e-30", "1e-5\\1e-5", "1.5\\1e-6", "1e5\\1e5", "1e30\\1e30", "nan\\nan", "inf\\inf"),
        *("-1.5\\-1.5", "1.5", "1.5\\1.5\\1.5", "", "a\\b", "1.5\\0", "0.01\\0.01", "200\\200"),
    ),
    "ImagePositionPatient": (
        *("1e308\\1e308\\1e308", "nan\\0\\0", "inf\\0\\0", "1e30\\0\\0", "0\\1e15\\0", "1\\2", "", "a\\b\\c"),
        *("1e200\\-1e200\\1e200", "0\\0\\0", "5000\\5000\\5000"),
    ),
    "ImageOrientationPatient": (
        *("0\\0\\0\\0\\0\\0", "1\\0\\0\\0\\1", "1\\0\\0\\0.7\\0.7\\0", "1\\0\\0\\1\\0\\0", "nan\\0\\0\\0\\1\\0"),
        *(
            "1e308\\0\\0\\0\\1e308\\0",
            "",
            "x\\0\\0\\0\\1\\0",
            "1\\0\\0\\0\\1\\0",
            "-1\\0\\0\\0\\-1\\0",
            "2\\0\\0\\0\\2\\0",
        ),
    ),
    "Rows": (0, 1, 16, 31, 33, 64, 4096, 65535),
    "Columns": (0, 1, 16, 31, 33, 64, 4096, 65535),
    "NumberOfFrames": ("1000000000", "0", "-1", "2", "x", "", "9" * 400),
    "BitsAllocated": (0, 1, 8, 12, 32, 64, 65535),
    "BitsStored": (0, 1, 8, 12, 17, 65535),
    "HighBit": (0, 7, 14, 16, 255, 65535),
    "PixelRepresentation": (0, 2, 65535),
    "SamplesPerPixel": (0, 2, 3, 65535),
    "PlanarConfiguration": (0, 1, 65535),
    "PhotometricInterpretation": ("RGB", "PALETTE COLOR", "MONOCHROME1", "YBR_FULL_422", "", "\x00\xff", "X" * 300),
    "RescaleSlope": (*_NUMBERS, "1e300", "1e-300", "1e38"),
    "RescaleIntercept": (*_NUMBERS, "1e300", "1e38"),
    "TriggerTime": (*_NUMBERS, "-5000", "1e12", "25.0000001"),
    "InstanceNumber": (*_NUMBERS, "2147483647", "-2147483648", "9" * 20, "1.5"),
    "AcquisitionNumber": (*_NUMBERS, "2147483647", "9" * 20),
    "SliceThickness": _NUMBERS,
    "SliceLocation": _NUMBERS,
    "RepetitionTime": _NUMBERS,
    "NominalInterval": _NUMBERS,
    "HeartRate": (*_NUMBERS, "1e-320"),
    "PatientAge": ("old", "999Y", "-12Y", "053 Y", "", "Y", "9" * 4999 + "Y", "\xb2\xb3Y", "0Y", "53"),
    "PatientSex": ("Q", "", "MALE", "\x00", "F\\M"),
    "TransferSyntaxUID": (
        *("1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"),
        *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.3", "", "x" * 200),
    ),
}


@dataclass(frozen=True)
class Element:
    """One element of an explicit little-endian data set, as raw as it stands."""

    tag: int
    vr: bytes
    value: bytes

    def block(self, length: int | None = None) -> bytes:
        size = len(self.value) if length is None else length
        head = struct.pack("<HH", self.tag >> 16, self.tag & 0xFFFF) + self.vr
        return (
            head + (struct.pack("<HI", 0, size) if self.vr in _LONG else struct.pack("<H", size & 0xFFFF)) + self.value
        )


def parsed(data: bytes) -> list[Element]:
    """The elements of an intact, flat file."""
    found, at = [], _START
    while at < len(data):
        group, number, vr = struct.unpack_from("<HH2s", data, at)
        long = vr in _LONG
        (size,) = struct.unpack_from("<I" if long else "<H", data, at + (8 if long else 6))
        at += 12 if long else 8
        found.append(Element(group << 16 | number, vr, data[at : at + size]))
        at += size
    return found


def assembled(elements: list[Element]) -> bytes:
    return b"\0" * 128 + b"DICM" + b"".join(element.block() for element in elements)


def with_value(data: bytes, keyword: str, value: str | int) -> bytes:
    """The file with one element set, whether or not its value makes sense."""
    tag = _TAGS[keyword]
    if keyword in _WORDS:
        made = Element(tag, b"US", struct.pack("<H", int(value)))
    else:
        text = str(value).encode("latin-1")
        vr = _TEXT_VR.get(keyword, b"DS")
        made = Element(tag, vr, text + (b"\0" if vr == b"UI" else b" ") * (len(text) % 2))
    others = [element for element in parsed(data) if element.tag != tag]
    return assembled(sorted([*others, made], key=lambda element: element.tag))


def extreme(keyword: str) -> Mutate:
    """One header field at a value that no scanner writes."""
    return lambda data, rng: with_value(data, keyword, rng.choice(EXTREMES[keyword]))


def pixels_start(data: bytes) -> int:
    at = data.find(b"\xe0\x7f\x10\x00")
    return len(data) if at < 0 else at + 12


def flip_header(data: bytes, rng: Random) -> bytes:
    return _flipped(data, rng, pixels_start(data))


def flip_anywhere(data: bytes, rng: Random) -> bytes:
    return _flipped(data, rng, len(data))


def _flipped(data: bytes, rng: Random, end: int) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(128, end)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def noise_header(data: bytes, rng: Random) -> bytes:
    """A run of random bytes over part of the header."""
    start = rng.randrange(_START, pixels_start(data))
    noise = rng.randbytes(rng.choice((1, 2, 4, 8, 64)))
    return data[:start] + noise + data[start + len(noise) :]


def truncate(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(1, len(data))]


def truncate_pixels(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(pixels_start(data), len(data))]


def empty(data: bytes, rng: Random) -> bytes:
    return b""


def append_garbage(data: bytes, rng: Random) -> bytes:
    return data + rng.randbytes(rng.choice((1, 2, 7, 500, 100_000)))


def garbage(data: bytes, rng: Random) -> bytes:
    return rng.randbytes(rng.choice((1, 100, 5000)))


def other_format(data: bytes, rng: Random) -> bytes:
    heads = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"PK\x03\x04", b"<html>", b"%PDF-1.7", b"\x1f\x8b\x08")
    return rng.choice(heads) + data[132:]


def remove_tag(data: bytes, rng: Random) -> bytes:
    """Without one of the fields that are read."""
    tag = _TAGS[rng.choice(sorted(_TAGS))]
    return assembled([element for element in parsed(data) if element.tag != tag])


def remove_any_tag(data: bytes, rng: Random) -> bytes:
    elements = parsed(data)
    del elements[rng.randrange(len(elements))]
    return assembled(elements)


def retype(data: bytes, rng: Random) -> bytes:
    """Another VR on a field that is read, its bytes as they were."""
    elements = parsed(data)
    index = rng.choice([n for n, element in enumerate(elements) if element.tag in _TAGS.values()])
    old = elements[index]
    elements[index] = Element(old.tag, rng.choice(_VRS), old.value)
    return assembled(elements)


def wrong_length(data: bytes, rng: Random) -> bytes:
    """A length that reaches beyond the file, or not to the end of the value."""
    elements = parsed(data)
    index = rng.randrange(len(elements))
    lengths = (0, 1, len(elements[index].value) + 2, 0x7FFFFFFE, 0xFFFFFFFE, 0xFFFFFFFF)
    blocks = [element.block() for element in elements]
    blocks[index] = elements[index].block(rng.choice(lengths))
    return data[:_START] + b"".join(blocks)


def repeat_tag(data: bytes, rng: Random) -> bytes:
    """A field twice, with two values."""
    keyword = rng.choice(sorted(EXTREMES))
    other = [e for e in parsed(with_value(data, keyword, rng.choice(EXTREMES[keyword]))) if e.tag == _TAGS[keyword]]
    return assembled(sorted([*parsed(data), *other], key=lambda element: element.tag))


def shuffle_tags(data: bytes, rng: Random) -> bytes:
    elements = parsed(data)
    return assembled(rng.sample(elements, len(elements)))


def nest(data: bytes, rng: Random) -> bytes:
    """A sequence in a sequence in a sequence, a thousand deep."""
    open_item = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    depth = rng.choice((50, 1000, 20_000))
    return data[: _header_end(data)] + open_item * depth + data[_header_end(data) :]


def huge_claim(data: bytes, rng: Random) -> bytes:
    """Dimensions of gigabytes, in a file of kilobytes."""
    for keyword, value in (("Rows", 65535), ("Columns", 65535), ("NumberOfFrames", rng.choice(("1", "1000000000")))):
        data = with_value(data, keyword, value)
    return data if rng.random() < 0.5 else run_length(data, rng)


def run_length(data: bytes, rng: Random) -> bytes:
    """The pixels as RLE Lossless, a segment for each byte of a word (DICOM PS3.5 annex G), in literal runs."""
    elements = {element.tag: element for element in parsed(data)}
    words = elements[_TAGS["PixelData"]].value
    segments = [_literal_runs(words[1::2]), _literal_runs(words[0::2])]
    header = struct.pack("<16I", 2, 64, 64 + len(segments[0]), *[0] * 13)
    return encapsulated(data, "1.2.840.10008.1.2.5", header + b"".join(segments))


def encapsulated(data: bytes, syntax: str, frame: bytes) -> bytes:
    """The file with these bytes as its one compressed frame."""
    item, end = struct.pack("<HH", 0xFFFE, 0xE000), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    frame += b"\0" * (len(frame) % 2)
    value = item + struct.pack("<I", 0) + item + struct.pack("<I", len(frame)) + frame + end
    kept = [e for e in parsed(with_value(data, "TransferSyntaxUID", syntax)) if e.tag != _TAGS["PixelData"]]
    return assembled(kept) + Element(_TAGS["PixelData"], b"OB", value).block(0xFFFFFFFF)


def _literal_runs(plane: bytes) -> bytes:
    runs = b"".join(bytes([len(part) - 1]) + part for part in (plane[n : n + 128] for n in range(0, len(plane), 128)))
    return runs + b"\0" * (len(runs) % 2)


def damaged_run_length(data: bytes, rng: Random) -> bytes:
    whole = run_length(data, rng)
    start = pixels_start(whole)
    changed = bytearray(whole)
    for _ in range(rng.choice((1, 3, 20))):
        changed[rng.randrange(start, len(whole))] = rng.randrange(256)
    return bytes(changed)[: rng.choice((len(whole), len(whole), rng.randrange(start, len(whole))))]


def deflated(data: bytes, rng: Random) -> bytes:
    meta = [e for e in parsed(with_value(data, "TransferSyntaxUID", "1.2.840.10008.1.2.1.99")) if e.tag >> 16 == 2]
    body = b"".join(e.block() for e in parsed(data) if e.tag >> 16 != 2)
    return assembled(meta) + _raw_deflate(body)


def deflate_bomb(data: bytes, rng: Random) -> bytes:
    """A file of two megabytes that would unpack to two gigabytes."""
    meta = [e for e in parsed(with_value(data, "TransferSyntaxUID", "1.2.840.10008.1.2.1.99")) if e.tag >> 16 == 2]
    body = b"".join(e.block() for e in parsed(data) if e.tag >> 16 != 2)
    return assembled(meta) + _raw_deflate(body, bytes(1 << 20), 2048)


def _raw_deflate(first: bytes, more: bytes = b"", times: int = 0) -> bytes:
    """What is flushed in full refers to nothing before it, so that it can be repeated."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(more) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + again * times + packer.flush()


def _header_end(data: bytes) -> int:
    return pixels_start(data) - 12


def swap_files(files: list[Path], rng: Random) -> list[Path]:
    """Two files under each other's name."""
    one, other = rng.sample(files, 2)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    return [one, other]


def copy_file(files: list[Path], rng: Random) -> list[Path]:
    """A file once more under another number."""
    one = rng.choice(files)
    copy = one.with_name(one.name.replace("IM-", "IM-9").replace("-0000.", "-0007."))
    copy.write_bytes(one.read_bytes())
    return [copy]


def move_file(files: list[Path], rng: Random) -> list[Path]:
    """A file in another slice's folder."""
    one, other = rng.sample(files, 2)
    moved = other.parent / one.name.replace("IM-", "IM-8")
    one.rename(moved)
    return [moved]


def lose_file(files: list[Path], rng: Random) -> list[Path]:
    rng.choice(files).unlink()
    return []


def fifo(files: list[Path], rng: Random) -> list[Path]:
    """A pipe that nobody writes to, in place of a file."""
    return _replaced(files, rng, os.mkfifo)


def folder(files: list[Path], rng: Random) -> list[Path]:
    return _replaced(files, rng, Path.mkdir)


def dangling_link(files: list[Path], rng: Random) -> list[Path]:
    return _replaced(files, rng, lambda path: path.symlink_to("nowhere"))


def endless_link(files: list[Path], rng: Random) -> list[Path]:
    """A link to a device that never ends."""
    return _replaced(files, rng, lambda path: path.symlink_to("/dev/zero"))


def sparse_file(files: list[Path], rng: Random) -> list[Path]:
    """Two gigabytes of nothing behind an image."""
    one = rng.choice(files)
    os.truncate(one, 2 << 30)
    return [one]


def _replaced(files: list[Path], rng: Random, make: Callable[[Path], object]) -> list[Path]:
    one = rng.choice(files)
    one.unlink()
    make(one)
    return [one]


FILES: dict[str, Mutate] = {
    "bytes flipped in the header": flip_header,
    "bytes flipped anywhere": flip_anywhere,
    "noise over the header": noise_header,
    "truncated": truncate,
    "truncated in the pixels": truncate_pixels,
    "zero bytes": empty,
    "garbage appended": append_garbage,
    "garbage": garbage,
    "another format": other_format,
    "a needed tag removed": remove_tag,
    "any tag removed": remove_any_tag,
    "a tag retyped": retype,
    "a wrong length": wrong_length,
    "a tag twice": repeat_tag,
    "tags shuffled": shuffle_tags,
    "sequences nested": nest,
    "huge dimensions": huge_claim,
    "RLE": run_length,
    "RLE, damaged": damaged_run_length,
    "deflated": deflated,
    **{f"{keyword} extreme": extreme(keyword) for keyword in EXTREMES},
}
"""Kinds that change the content of files."""

TREES: dict[str, Operate] = {
    "two files swapped": swap_files,
    "a file twice": copy_file,
    "a file in another folder": move_file,
    "a file lost": lose_file,
    "a pipe for a file": fifo,
    "a folder for a file": folder,
    "a dangling link": dangling_link,
}
"""Kinds that change which files there are."""

HEAVY: dict[str, Mutate | Operate] = {
    "a deflate bomb": deflate_bomb,
    "an endless device": endless_link,
    "two sparse gigabytes": sparse_file,
}
"""Kinds that are slow to make or to survive: a few are enough."""

MEANING = {
    *("bytes flipped in the header", "bytes flipped anywhere", "noise over the header", "truncated in the pixels"),
    *("a needed tag removed", "any tag removed", "a tag retyped", "a wrong length", "a tag twice", "RLE, damaged"),
    *(f"{name} extreme" for name in ("RescaleSlope", "RescaleIntercept", "BitsAllocated", "BitsStored", "HighBit")),
    *(f"{name} extreme" for name in ("PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation")),
    *("TransferSyntaxUID extreme", "truncated", "garbage", "another format", "huge dimensions"),
}
"""Kinds after which a file's values may rightly be other ones: they no longer tell where it is from."""
