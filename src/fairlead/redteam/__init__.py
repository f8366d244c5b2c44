"""redteam"""
