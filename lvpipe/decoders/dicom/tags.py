"""The elements of a DICOM header that a cine needs, and how each is stored where the file does not say."""

NEEDED: dict[str, tuple[int, str]] = {
    "ImageType": (0x00080008, "CS"),
    "SOPClassUID": (0x00080016, "UI"),
    "SOPInstanceUID": (0x00080018, "UI"),
    "StudyDate": (0x00080020, "DA"),
    "AcquisitionTime": (0x00080032, "TM"),
    "Modality": (0x00080060, "CS"),
    "FrameType": (0x00089007, "CS"),
    "PatientSex": (0x00100040, "CS"),
    "PatientAge": (0x00101010, "AS"),
    "SliceThickness": (0x00180050, "DS"),
    "RepetitionTime": (0x00180080, "DS"),
    "EchoTime": (0x00180081, "DS"),
    "InversionTime": (0x00180082, "DS"),
    "TriggerTime": (0x00181060, "DS"),
    "NominalInterval": (0x00181062, "IS"),
    "HeartRate": (0x00181088, "IS"),
    "ReconstructionDiameter": (0x00181100, "DS"),
    "ImagerPixelSpacing": (0x00181164, "DS"),
    "FlipAngle": (0x00181314, "DS"),
    "NominalScannedPixelSpacing": (0x00182010, "DS"),
    "StudyInstanceUID": (0x0020000D, "UI"),
    "SeriesInstanceUID": (0x0020000E, "UI"),
    "SeriesNumber": (0x00200011, "IS"),
    "AcquisitionNumber": (0x00200012, "IS"),
    "InstanceNumber": (0x00200013, "IS"),
    "ImagePositionPatient": (0x00200032, "DS"),
    "ImageOrientationPatient": (0x00200037, "DS"),
    "SliceLocation": (0x00201041, "DS"),
    "TemporalPositionIndex": (0x00209128, "UL"),
    "NominalCardiacTriggerDelayTime": (0x00209153, "FD"),
    "FrameAcquisitionNumber": (0x00209156, "US"),
    "RRIntervalTimeNominal": (0x00209251, "FD"),
    "ActualCardiacTriggerDelayTime": (0x00209252, "FD"),
    "TemporalPositionTimeOffset": (0x0020930D, "FD"),
    "SamplesPerPixel": (0x00280002, "US"),
    "PhotometricInterpretation": (0x00280004, "CS"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "PixelSpacing": (0x00280030, "DS"),
    "BitsAllocated": (0x00280100, "US"),
    "BitsStored": (0x00280101, "US"),
    "HighBit": (0x00280102, "US"),
    "PixelRepresentation": (0x00280103, "US"),
    "PixelPaddingValue": (0x00280120, "US"),
    "PixelPaddingRangeLimit": (0x00280121, "US"),
    "RescaleIntercept": (0x00281052, "DS"),
    "RescaleSlope": (0x00281053, "DS"),
}
"""Tag and standard VR by keyword. All else is skipped unread: no name enters memory, and dates are but compared."""

WANTED = frozenset(tag for tag, _ in NEEDED.values())

SHARED_GROUPS = 0x52009229
FRAME_GROUPS = 0x52009230
PIXELS = 0x7FE00010

NESTED = frozenset(
    {
        0x00189112,  # MR timing and related parameters
        0x00189118,  # cardiac synchronisation
        0x00189226,  # MR image frame type
        0x00209111,  # frame content
        0x00209113,  # plane position
        0x00209116,  # plane orientation
        0x00209170,  # attributes that a legacy converter had no group for, shared
        0x00209171,  # the same, per frame
        0x00209310,  # temporal position
        0x00289110,  # pixel measures
        0x00289145,  # pixel value transformation
    }
)
"""The functional groups that are looked into; real-world maps and private groups are left alone."""
