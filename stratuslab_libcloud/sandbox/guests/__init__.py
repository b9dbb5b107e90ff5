"""What runs inside of a sandbox machine, and how it is reached: SSH, SFTP, port translation."""
