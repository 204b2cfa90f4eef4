"""What the hotline did in a period: indicators, anomalies, the monthly report, its frozen versions and files."""
