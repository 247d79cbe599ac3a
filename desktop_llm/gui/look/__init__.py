"""How everything looks: theme, icons, widgets, Markdown, number formats. It knows nothing about the app's work."""
