"""The case record: the form and its rows, what is still unasked, the person's safety plan, the sheet for rescue."""
