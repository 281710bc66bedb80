import numpy as np
import pytest
from hearts import heart

from lvpipe.detection.looks import PIXEL_MM, SIDE_PX, look_at


@pytest.mark.parametrize("pixel_mm", [0.7, 1.0, 1.37, 2.0, 5.0])
@pytest.mark.parametrize("shape_mm", [(150, 170), (500, 300)])
def test_a_look_shows_the_heart_where_it_lies(pixel_mm, shape_mm):
    shape = tuple(round(n / pixel_mm) for n in shape_mm)
    centre = np.array([0.45, 0.55]) * shape
    y, x = np.indices(shape)
    dot = 200 * np.exp(-(((y - centre[0]) ** 2 + (x - centre[1]) ** 2) * pixel_mm**2) / (2 * 12**2))
    look = look_at(np.tile(dot, (3, 2, 1, 1)).astype(np.uint8), pixel_mm)
    mean = look.images_zcyx[1, 0]
    rows, columns = np.indices(mean.shape)
    seen = [(mean * rows).sum() / mean.sum(), (mean * columns).sum() / mean.sum(), 80 / PIXEL_MM]
    found = look.to_view(np.array([seen]))[0]
    np.testing.assert_allclose(found, [*centre, 80 / pixel_mm], atol=2 / pixel_mm)
    np.testing.assert_allclose(look.from_view(np.array([found])), [seen])


def test_it_shows_what_moves_and_one_frame_shows_nothing_that_does():
    cine = heart()[:, None].astype(np.uint8)
    moving, still = look_at(cine, 1.0).images_zcyx[0, 1], look_at(cine[:1], 1.0).images_zcyx[0, 1]
    assert moving.max() > 20
    assert not still.any()


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 3, 5), (1, 1, 700, 20)])
def test_every_image_can_be_looked_at(shape):
    look = look_at(np.full(shape, 9, np.uint8), 1.0)
    assert look.images_zcyx.shape == (shape[1], 2, SIDE_PX, SIDE_PX)
    assert np.isfinite(look.images_zcyx).all()
