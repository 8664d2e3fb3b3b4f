# SPDX-License-Identifier: GPL-2.0-or-later
"""limits.py - how soon is soon enough, in milliseconds. Slow machines and programs are given more (--slow)."""

refused = 100  # from the client's last byte to the reset that it sees
prompt = 50  # an answer that nobody held back
silent = 150  # what is refused without a word is not answered within so long of its refusal in the log
healed = 1000  # from a flush of the rules to a blocked name that is refused again
stalled = 750  # a connection under load, beyond the longest without it: hang_limit, as much for the takeover, as much for other work
upgraded = 250  # a connection during an upgrade, beyond the longest without one
