"""crash_model"""
