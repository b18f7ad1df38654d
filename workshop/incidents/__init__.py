"""Incidents: the running stack is broken, and the learner knows only what customers say."""
