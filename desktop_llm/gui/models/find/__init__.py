"""Finding models on Hugging Face."""
