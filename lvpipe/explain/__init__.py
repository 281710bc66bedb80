"""Two answers for people: why would something run again (`why`), and where does a number come from (`trace`)."""
