"""The HTTP side: accepts jobs, keeps their state, hands them to workers, tells who watches."""
