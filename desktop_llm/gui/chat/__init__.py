"""The Chats page: list, transcript, composer, evidence, and their controllers."""
