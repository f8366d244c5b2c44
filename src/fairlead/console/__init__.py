"""The console: pages for people, over the same records as the command line."""
