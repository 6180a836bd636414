"""`datalab up`: starts, watches and stops the processes of a Data Lab. This package does not know what they do."""
