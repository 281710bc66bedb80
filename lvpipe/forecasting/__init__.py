"""From estimates to distributions: forecasters, and what stands in where there is no estimate."""
