"""Observation: what an application does with events as they happen.

declarations.py   `@reactor`, `@reducer`, and what they leave on what they decorate
services.py       `Services`: what an application registers for its handlers
arguments.py      what handlers ask for beside the event, made for each event
signatures.py     what a handler's parameters and return type may be
reactors.py       a reactor handling a batch
reducers.py       a reducer folding a batch
event_reader.py   the events of a batch, as their handlers want them
side_effects.py   what handlers return, appended
failures.py       what the kernel is told of a batch that failed
streams.py        one observer's stream, opened again when it ends
runtime.py        `Observers`: all of one event store's
"""
