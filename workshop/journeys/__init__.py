"""What happened to an order: its hops, and its waterfall as a model, as text and as SVG."""
