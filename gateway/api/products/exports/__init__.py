"""The exports product: overlays and framings of videos, in the words its clients know.

`models` and `projection` are its words, `order_desk` makes and shows its jobs; the rest are
routes: `start_exports`, `register_projects`, `workers_api`, `watch`.
"""
