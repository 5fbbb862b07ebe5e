"""Read models: what reducers make of events, declared and read.

declaration.py   `@read_model`, and which reducer keeps which model
definitions.py   what the kernel is told of them
read_models.py   `ReadModels`, the door to their instances
reading.py       instances as objects of their class
"""
