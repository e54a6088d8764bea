"""What the product does: each service is one step between the chat, the store and the providers."""
