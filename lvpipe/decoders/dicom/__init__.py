"""DICOM files: headers, pixels, multi-frame objects, compressed streams."""
