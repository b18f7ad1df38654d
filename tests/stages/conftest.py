"""The fifth service is added to a copy of the repository; its own tests run there."""

collect_ignore = ["fifth_service"]
