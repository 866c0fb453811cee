"""What people see of a command: its events as lines on standard error, and how it ended.

For the command line and for a site's sync scripts, so nothing here knows click. It looks down on
the rooms whose words it shows, and no room looks up to it but `cli/` and `script.py`.
"""
