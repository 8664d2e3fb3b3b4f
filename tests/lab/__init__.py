# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: real clients, a gateway and real servers in three network namespaces. main.py tells the story."""
