"""Which images of a scanner's export are the short-axis cine."""
