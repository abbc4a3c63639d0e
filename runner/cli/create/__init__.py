"""From the flags of `run` and `create` to the body of POST /containers/create.

docker/cli's parse(), by topic. Bodies are plain dictionaries: the API's types cost a third of a
second's tenth to import, and only the engine needs them; a test holds the two together.
"""
