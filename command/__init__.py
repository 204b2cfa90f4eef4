"""The `hotline` command: one file a group of subcommands."""
