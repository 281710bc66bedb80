"""The parts of the synthetic cohort: who is in it, how a heart moves, how a scanner sees it."""
