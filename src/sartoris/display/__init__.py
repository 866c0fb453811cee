"""What people see of a command: its events as lines on standard error, and how it ended.

For the command line and for a site's sync scripts, so nothing here knows click. It uses the
packages whose words it shows, and only `cli/`, `script.py` and `observers.py` use it.
"""
