"""Every reader, by which mypy holds it to the protocol of its kind.

The workflow loads readers by name and never imports this: the code of every stage would depend on every reader.
"""

from lvpipe.reader import EstimateReader
from lvpipe.readers import acdc, areas, folder, kaggle, la2013, lvquan, masks, nifti, slices, sunnybrook
from lvpipe.study import StudyReader

OF_STUDIES: tuple[StudyReader, ...] = (acdc, folder, kaggle, la2013, lvquan, nifti, slices, sunnybrook)
OF_ESTIMATES: tuple[EstimateReader, ...] = (areas, masks)
