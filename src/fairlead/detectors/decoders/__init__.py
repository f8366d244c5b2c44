"""Decoders: each turns a view into the views that it stands for. They are strangers to each other; ``detectors.views`` calls them."""
