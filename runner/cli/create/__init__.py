"""From the flags of `run` and `create` to the body of POST /containers/create.

docker/cli's parse(), by topic. Bodies are plain dictionaries: importing the API's types, which
the engine needs, takes longer than everything else that a command does. A test holds the two
together.
"""
