"""Published figures beside ours: how ours are found in the tables of a run, and what is said where there are none."""
