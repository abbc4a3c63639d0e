"""containerd's gRPC services as typed clients: values in, values out, our errors, no protobuf.

`Containerd` (client.py) holds them all. One module serves one service, with its values as frozen
dataclasses. Only this package imports grpc, which takes long: import it where it is needed.
"""
