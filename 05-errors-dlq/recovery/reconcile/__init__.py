"""The reconciler: it publishes the `OrderCreated` of stalled orders again."""
