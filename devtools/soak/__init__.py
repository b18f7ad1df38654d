"""The soak: many orders under faults on a local cloud, with memory, queues and latencies."""
