"""What every command line shares: flags, exit codes, one-line errors."""
