"""Mandatory reports, broken confidences, notifications about registered patients, complaints: rules, clocks, rows."""
