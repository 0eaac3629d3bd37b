"""The products' own APIs: translation tables onto the services, one folder each.

A product checks its own requests, has the core make jobs of them, and renders the jobs in
its own words. It knows services, the words of the core and pieces of the API; never an
adapter, never another product.
"""
