"""The wire contract of Chronicle as Python modules: generated from ``protos/`` by ``make protos``, never edited.

Applications never see this package. Inside, import modules of it by name::

    from chronicle.contracts import event_sequences_pb2, event_sequences_pb2_grpc
"""
