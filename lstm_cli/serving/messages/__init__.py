"""HTTP messages: what a client sends, and errors as answers. It knows no server."""
