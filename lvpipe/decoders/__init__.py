"""One module per kind of file: bytes to frames; a reader names the one that its source needs."""
