"""`hotline bench`: what a message costs on this machine, each figure beside a baseline of the same run."""
