"""Draws what the stand-in for Kling delivers, videos, images and sounds, and looks into those it is sent."""
