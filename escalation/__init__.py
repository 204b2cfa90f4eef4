"""People take over: cases, alerts, the desk and its console."""
