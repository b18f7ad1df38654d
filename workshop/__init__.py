"""The learner's tools: command line, local cloud, bundles. Never deployed."""
