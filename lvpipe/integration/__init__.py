"""What `integrate` reads and writes."""
