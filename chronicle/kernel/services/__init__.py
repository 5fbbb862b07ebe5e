"""The contract's services: messages in, kernel calls, messages out.

The only part of the kernel that knows messages. `registration` puts them all on a server.
"""
