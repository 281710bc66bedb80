"""One settings model per stage; `schema.py` joins them into the whole configuration."""
