"""Marked values in every field of a DICOM file that may say who somebody is, and the search for them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

MARK = "ZZPLANTED"
DATE, TIME = "19770", "0734"
"""How planted dates and times begin: 1977-01..09, 07:34:.."""
ROOT_UID = "1.9.77734"

TEXT = {"PN": 60, "LO": 60, "SH": 16, "ST": 200, "LT": 200, "UT": 200, "UC": 200, "UR": 200, "AE": 16, "CS": 16}
"""Representations that hold words, and how many letters."""

NEEDED = {
    *("PatientSex", "PatientAge", "Modality", "PhotometricInterpretation", "ImageType", "FrameType", "SOPClassUID"),
    *("SpecificCharacterSet", "PixelPresentation", "ComplexImageComponent", "AcquisitionContrast", "ImageComments"),
    *("TransferSyntaxUID", "MediaStorageSOPClassUID", "SeriesInstanceUID", "StudyInstanceUID", "VolumetricProperties"),
    *("MRAcquisitionType", "BurnedInAnnotation", "ContentQualification", "PresentationLUTShape", "PatientPosition"),
    *("LossyImageCompression", "StudyDate", "AcquisitionTime"),
}
"""Fields by which an image is told from what is none; those of them that may be personal are planted apart."""

PERSONAL = {"SeriesInstanceUID", "StudyInstanceUID", "StudyDate", "AcquisitionTime", "ImageComments"}


def plant(dataset: FileDataset, number: int) -> None:
    """Put a value that can be found again into every field of words, dates, times and UIDs, in sequences, private tags,
    overlays and the file meta information."""
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = tag >> 16
        if not keyword or group in (0x0000, 0x0002, 0x0004) or group >= 0x7FE0 or keyword in NEEDED - PERSONAL:
            continue
        value = planted_value(vr, number)
        if value:
            dataset.add_new(tag, vr, value)
    dataset.RequestAttributesSequence = Sequence([_nested(number, 3)])
    block = dataset.private_block(0x0029, f"{MARK} CREATOR", create=True)
    for element, vr in enumerate(("LO", "PN", "UT", "UN"), start=1):
        block.add_new(element, vr, f"{MARK}{number}".encode() if vr == "UN" else f"{MARK}{number}")
    dataset.add_new(0x60004000, "LT", f"{MARK}{number} overlay comments")
    dataset.add_new(0x60000022, "LO", f"{MARK}{number}")
    dataset.file_meta.SourceApplicationEntityTitle = f"{MARK}{number}"[:16]
    dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT_UID}.{number}"
    dataset.file_meta.ImplementationVersionName = f"{MARK}{number}"[:16]


def planted_value(vr: str, number: int) -> str:
    if vr in TEXT:
        return f"{MARK}{number}"[: TEXT[vr]]
    return {
        "DA": f"{DATE}{number % 9 + 1}17",
        "TM": f"{TIME}{number % 60:02d}",
        "DT": f"{DATE}{number % 9 + 1}17{TIME}{number % 60:02d}",
        "UI": f"{ROOT_UID}.{number}",
    }.get(vr, "")


def _nested(number: int, depth: int) -> Dataset:
    made = Dataset()
    made.PatientName = made.ReferringPhysicianName = made.RequestedProcedureID = f"{MARK}{number}"
    made.add_new(0x0040A730, "SQ", Sequence([_nested(number, depth - 1)] if depth else []))
    return made


TRACES = (MARK.encode(), MARK.lower().encode(), MARK.title().encode(), MARK[2:].encode(), MARK[2:].lower().encode())
TRACES += (ROOT_UID.encode(), DATE.encode() + b"1", b"1977-0", b"07:34:")


def texts(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what is packed in them."""
    content = path.read_bytes()
    yield content
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)


def leaks(*roots: Path) -> list[str]:
    """Each file below the roots in which, or in whose name, something planted is found."""
    found = []
    for root in roots:
        for path in (path for path in root.rglob("*") if path.is_file()):
            traces = [trace for trace in TRACES if any(trace in text for text in texts(path))]
            traces += [trace for trace in TRACES if trace in str(path.relative_to(root)).encode()]
            found += [f"{path}: {trace.decode()}" for trace in traces]
    return found
