"""Pictures from people to what Kling takes."""
