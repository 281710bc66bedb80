import numpy as np

from lvpipe.borders import borders


def test_borders_run_midway_between_pixels_and_are_closed_at_the_edge():
    mask = np.zeros((4, 6), bool)
    mask[0:2, 0:3] = mask[3, 5] = True
    large, small = sorted(borders(mask), key=len, reverse=True)
    for loop, ends in ((large, [(-0.5, -0.5), (1.5, 2.5)]), (small, [(2.5, 4.5), (3.5, 5.5)])):
        np.testing.assert_array_equal(loop[0], loop[-1])
        np.testing.assert_array_equal([loop.min(axis=0), loop.max(axis=0)], ends)
