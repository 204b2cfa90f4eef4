"""Looking back at the work: cases reviewed together, trainings, care for the team, crises that were found too late."""
