"""How an order reaches a target. Nothing outside this package knows which transport it is."""
