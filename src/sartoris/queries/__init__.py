"""What changes nothing: the answers of status, report, show, diff and doctor."""
