"""One module per source layout; chosen by name in a cohort's entry."""
