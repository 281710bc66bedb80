"""One module per stage word: a pure function, then a thin `main` that reads and writes."""
