"""The model menu: models to load, and their load settings."""
