"""Fuzzing: what takes texts, bytes and files from strangers is fed with what nobody thought of. See ``fuzz/README.md``."""
