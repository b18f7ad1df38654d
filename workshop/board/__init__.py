"""The board: a page on loopback that shows a running stack live.

`app.py` composes it. `feed.py` reads the stack's events and deliveries from one source, and
`event_list.py` stores them. Each module in `views/` serves one view with its templates.
"""
