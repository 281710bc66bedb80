"""How the parts of a detector are learnt; those who use them import nothing from here."""
