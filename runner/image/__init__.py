"""Images: references, the registry client, pulling, unpacking, archives, the image store.

Everything lives in containerd's content and image stores; nothing is kept beside them.
"""
