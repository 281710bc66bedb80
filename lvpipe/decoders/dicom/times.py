"""When in the heart cycle an image was taken, from the fields that single-frame and multi-frame headers have for it."""

from lvpipe.decoders.dicom.header import Header


def read_trigger_ms(header: Header) -> float | None:
    """Time after the R wave; a multi-frame header calls it a delay, or an offset in seconds."""
    for keyword in ("TriggerTime", "NominalCardiacTriggerDelayTime", "ActualCardiacTriggerDelayTime"):
        found = header.number(keyword)
        if found is not None:
            return found
    offset_s = header.number("TemporalPositionTimeOffset")
    return None if offset_s is None else 1000 * offset_s


def read_cycle_ms(header: Header) -> float | None:
    """The heart cycle's length."""
    for keyword in ("NominalInterval", "RRIntervalTimeNominal"):
        found = header.number(keyword)
        if found:
            return found
    heart_rate = header.number("HeartRate")
    return 60_000 / heart_rate if heart_rate else None
