"""The window itself: its frame, rail, header, keys, and files dropped on it. It knows no page."""
