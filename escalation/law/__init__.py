"""What the law asks of the hotline, as rules, clocks and records; no line of it has been read by a lawyer yet."""
