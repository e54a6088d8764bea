"""What the operator's tools are told of the process: how it is, its metrics, its errors and traces."""
