"""The admin API and the admin page; `create_admin_router` in `router` puts them together.

Nothing is imported here: the health endpoints use some of the resources, and need none of the routes.
"""
