"""kling"""
