"""From the images of one study to one regular cine, and the account of what was mended, dropped or rejected."""
