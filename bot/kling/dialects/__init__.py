"""kling/dialects"""
