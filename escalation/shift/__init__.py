"""The shift: who is here, who carries how much, what happens when a counsellor falls silent or hands on."""
