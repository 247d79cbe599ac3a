"""Downloads under way, on the Models page."""
