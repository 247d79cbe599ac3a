"""The Welcome page and its controller."""
