"""DICOM headers as three vendors write them, with synthetic personal data to be removed and nothing that changes."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.phantom.case import PhantomCase
    from lvpipe.phantom.stack import Acquisition

UID_ROOT = "2.25"
"""UIDs made from 128-bit numbers need no registered root (DICOM PS3.5 B.2)."""

STUDY_DATE = "20160301"
"""All synthetic studies happen on one invented day, so that the same case has the same bytes."""

MODELS = {"SIEMENS": "Aera", "GE": "SIGNA HDx", "PHILIPS": "Ingenia"}
MANUFACTURERS = {"SIEMENS": "SIEMENS", "GE": "GE MEDICAL SYSTEMS", "PHILIPS": "Philips Medical Systems"}


def make_uid(*words: object) -> str:
    """Make a UID that depends on these words alone."""
    digest = hashlib.sha256("/".join(str(word) for word in words).encode()).digest()
    return f"{UID_ROOT}.{int.from_bytes(digest[:16], 'big')}"


class Writer:
    """Writes the frames of one acquisition from one data set, changing only what differs between frames."""

    def __init__(self, case: "PhantomCase", taken: "Acquisition", slice_location_mm: float) -> None:
        self.case, self.taken = case, taken
        self.dataset = _dataset(case, taken, slice_location_mm)
        self.interval_ms = 60000.0 / case.person.heart_rate_bpm

    def write(self, path: Path, index: int, instance: int, pixels: "NDArray[np.uint16]") -> None:
        """Write the file of the acquisition's `index`-th frame under its instance number."""
        dataset = self.dataset
        uid = make_uid(*self.case.key, self.taken.folder, self.taken.first_number - 1 + index)
        dataset.SOPInstanceUID = uid
        dataset.file_meta.MediaStorageSOPInstanceUID = uid
        dataset.InstanceNumber = instance
        if self.case.trigger_times:
            frames = len(self.case.heart.volumes_ml)
            dataset.TriggerTime = f"{self.taken.moment(index, frames) * self.interval_ms:.2f}"
        dataset.SmallestImagePixelValue = int(pixels.min())
        dataset.LargestImagePixelValue = int(pixels.max())
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(path, enforce_file_format=True)


def _dataset(case: "PhantomCase", taken: "Acquisition", slice_location_mm: float) -> Any:
    """Everything that the frames of one acquisition share."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    meta: Any = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = make_uid("lvpipe phantom")
    meta.ImplementationVersionName = "LVPIPE_PHANTOM"
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = MRImageStorage
    parts = (
        _person(case),
        _equipment(case),
        _study(case, taken),
        _scan(case, taken),
        _geometry(taken, slice_location_mm),
    )
    for part in parts:
        for name, value in part.items():
            setattr(dataset, name, value)
    return dataset


def _person(case: "PhantomCase") -> dict[str, Any]:
    """Synthetic personal data: what a pipeline has to leave behind."""
    person, name = case.person, case.source.name
    sunnybrook = case.source.split == ""
    return {
        "PatientName": name if sunnybrook else f"PHANTOM^SYNTHETIC {name}",
        "PatientID": name if sunnybrook else f"PHANTOM-{name}",
        "PatientBirthDate": f"{int(STUDY_DATE[:4]) - person.age_years}0101",
        "PatientSex": person.sex,
        "PatientAge": f"{person.age_years:03d}Y",
        "PatientSize": f"{person.height_m:.2f}",
        "PatientWeight": f"{person.weight_kg:.1f}",
        "PatientAddress": "1 Phantom Way",
        "InstitutionName": "Phantom General Hospital (synthetic)",
        "ReferringPhysicianName": "NOBODY^SYNTHETIC",
        "OperatorsName": "NOBODY^SYNTHETIC",
        "AccessionNumber": f"PH{name[-8:]}",
    }


def _equipment(case: "PhantomCase") -> dict[str, Any]:
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "Modality": "MR",
        "Manufacturer": MANUFACTURERS[case.vendor],
        "ManufacturerModelName": MODELS[case.vendor],
        "StationName": "PHANTOM1",
        "DeviceSerialNumber": "00000",
        "SoftwareVersions": "lvpipe phantom",
        "MagneticFieldStrength": "1.5",
    }


def _study(case: "PhantomCase", taken: "Acquisition") -> dict[str, Any]:
    time = f"{9 + taken.series // 60:02d}{taken.series % 60:02d}00.000000"
    return {
        "StudyInstanceUID": make_uid(*case.key, "study"),
        "SeriesInstanceUID": make_uid(*case.key, "series", taken.series),
        "FrameOfReferenceUID": make_uid(*case.key, "frame of reference"),
        "StudyDate": STUDY_DATE,
        "SeriesDate": STUDY_DATE,
        "AcquisitionDate": STUDY_DATE,
        "ContentDate": STUDY_DATE,
        "StudyTime": "090000.000000",
        "SeriesTime": time,
        "AcquisitionTime": time,
        "ContentTime": time,
        "StudyID": "1",
        "StudyDescription": "CARDIAC (synthetic)",
        "SeriesDescription": taken.folder.split("_")[0],
        "SeriesNumber": taken.series,
        "AcquisitionNumber": 1,
        "PositionReferenceIndicator": "",
    }


def _scan(case: "PhantomCase", taken: "Acquisition") -> dict[str, Any]:
    """Sequence and timing; vendors differ in what RepetitionTime means and in the image type."""
    frames = taken.cycle_frames or len(case.heart.volumes_ml)
    interval_ms = 60000.0 / case.person.heart_rate_bpm
    repetition = {"SIEMENS": interval_ms / frames, "GE": 3.35, "PHILIPS": 2.8}[case.vendor]
    kinds = {"SIEMENS": ["M", "ND", "DIS2D"], "GE": ["CARDIAC", "NONE"], "PHILIPS": ["M_FFE", "M", "FFE"]}
    return {
        "ImageType": ["ORIGINAL", "PRIMARY", *kinds[case.vendor]],
        "ScanningSequence": "GR",
        "SequenceVariant": "SS" if case.vendor == "GE" else ["SK", "SP"],
        "ScanOptions": "PFP" if case.vendor == "SIEMENS" else "RG",
        "MRAcquisitionType": "2D",
        "RepetitionTime": f"{repetition:.4g}",
        "EchoTime": f"{1.53 if case.vendor == 'GE' else 1.26}",
        "FlipAngle": "45" if case.vendor == "GE" else "60",
        "NominalInterval": round(interval_ms),
        "HeartRate": round(case.person.heart_rate_bpm),
        "CardiacNumberOfImages": frames,
        "InPlanePhaseEncodingDirection": taken.phase_direction,
        "PatientPosition": "HFS",
    }


def _geometry(taken: "Acquisition", slice_location_mm: float) -> dict[str, Any]:
    plane = taken.plane
    return {
        "ImagePositionPatient": [_number(value) for value in plane.position_mm],
        "ImageOrientationPatient": [_number(value) for value in (*plane.along_row, *plane.along_column)],
        "SliceLocation": f"{slice_location_mm:.4f}",
        "SliceThickness": f"{plane.thickness_mm:g}",
        "Rows": plane.rows,
        "Columns": plane.columns,
        "PixelSpacing": [f"{plane.pixel_mm:g}"] * 2,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
    }


def _number(value: float) -> str:
    """A decimal string within DICOM's 16 characters."""
    return f"{value:.10g}"[:16] if abs(value) >= 1e-4 else "0"
