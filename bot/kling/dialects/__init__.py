"""One module per wire format: pure functions from requests to HTTP and from HTTP to what it means."""
