"""What a search for settings is made of: settings by path, the outcomes of trials, their picture."""
