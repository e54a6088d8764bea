"""What people ask for: requests, models and what they can do, options, prompts."""
