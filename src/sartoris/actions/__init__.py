"""What changes something: one module for each command, which begins with its runbook."""
