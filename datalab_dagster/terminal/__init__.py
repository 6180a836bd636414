"""What commands and SDK show on a terminal during long operations: bars, lines, waiting."""
