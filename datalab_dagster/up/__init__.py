"""`datalab up`: starts, watches and stops the processes of a living lab; what they do is not known here."""
