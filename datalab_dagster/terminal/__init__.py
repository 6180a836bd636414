"""What commands and SDK show on a terminal while something takes time: bars, lines, waiting."""
