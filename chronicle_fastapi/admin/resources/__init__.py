"""One module per resource: its models, plain functions that ask the kernel, and the routes that call them.

The admin page calls the same functions.
"""
