"""The parts of the report: what it reads, its pictures and charts, its tables, and the page around them."""
