"""One module per architecture, each with a `build`; chosen by name in a model's entry."""
