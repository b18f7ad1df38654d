"""How far the system carries and what it costs, on paper: counted requests, AWS's figures."""
