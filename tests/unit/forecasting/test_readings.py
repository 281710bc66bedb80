import numpy as np
import pytest

from lvpipe.forecasting.readings import Reading


@pytest.mark.parametrize(
    ("volume", "flags", "estimate"),
    [
        ("120.5", "implausible", 120.5),
        ("620", "implausible", 620),
        ("", "rejected", np.nan),
        ("0", "empty", np.nan),
        ("120.5", "few-slices incomplete", np.nan),
        ("0.004", "", np.nan),
        ("1500", "implausible", np.nan),
    ],
)
def test_what_no_heart_can_hold_is_no_estimate(volume, flags, estimate):
    found = Reading({"edv_ml": volume, "flags": flags}).volume_ml("EDV")
    np.testing.assert_equal(found, estimate)
