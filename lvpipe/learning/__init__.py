"""The one training loop and its parts. Import this package before torch."""

import os

# Torch's threads else wait for each other by spinning. On a machine with anything else to do a training then takes ten
# times as long (measured: two at once on two cores, over 100 s against 52 s); alone it costs nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
