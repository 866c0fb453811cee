"""`make bench`: what Sartoris costs beside the same work done by plain git (docs/benchmarks.md)."""
