"""Masks beside what experts drew: rows of each slice and stack, their summary, and the slices as pictures."""
