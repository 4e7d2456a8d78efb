"""HTTP server of `lstm serve`. It alone knows uvicorn, httptools, uvloop and the Prometheus client."""
