"""A model of the cost of orders: counted requests and AWS's prices."""
