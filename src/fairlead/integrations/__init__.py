"""Adapters that speak to other systems; each implements a port of a lower package."""
