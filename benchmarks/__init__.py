"""Measurements side by side with dockerd, ctr and runc, on daemons started for the purpose."""
