"""The commands of the stage `detect`, one module each: what is learnt, what is found, what is shown."""
