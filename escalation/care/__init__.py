"""What is done for a person beyond the talk: rescue (救援) and follow-up (随访)."""
