"""DICOM files that are no grey image of one slice, and what to do about them."""

from lvpipe.decoders.dicom.header import Header

_IMAGELESS = {
    "1.2.840.10008.1.3.10": "a directory of a disc (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation, which is read from NIfTI alone",
    "1.2.840.10008.5.1.4.1.1.88": "a report",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.9": "a curve or waveform",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state",
}
"""SOP classes, or the beginnings of their families, that hold no image."""

_MOSAIC = (
    "a Siemens mosaic, several slices tiled into one image; export the series as single images (mosaic off), or "
    "convert it with dcm2niix and use the NIfTI"
)


def refusal(header: Header) -> str:
    """Why a file can be no part of a cine; "" where it can."""
    sop_class = header.word("SOPClassUID")
    for family in (sop_class, sop_class.rpartition(".")[0]):
        if family in _IMAGELESS:
            return f"{_IMAGELESS[family]}, no image"
    if "MOSAIC" in header.words("ImageType"):
        return _MOSAIC
    if (header.whole("SamplesPerPixel") or 1) != 1:
        return "a colour image; expected grey"
    if header.word("PhotometricInterpretation") not in ("", "MONOCHROME1", "MONOCHROME2"):
        return "a colour image (PhotometricInterpretation); expected MONOCHROME2 or MONOCHROME1"
    frames = header.whole("NumberOfFrames") or 1
    if len(header.groups) != frames and (frames > 1 or header.groups):
        return f"{frames} frames, and functional groups for {len(header.groups)}; expected a position for each frame"
    return ""
