"""Where the heart is: what the methods of the stage `detect` are made of."""
