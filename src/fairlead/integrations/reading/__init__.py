"""Readers of what is not written in characters: OCR by Tesseract, and a place for the program's own ear."""

from fairlead.integrations.reading.pictures import Picture, picture_of
from fairlead.integrations.reading.readers import readers_of
from fairlead.integrations.reading.tesseract import Tesseract

__all__ = ["Picture", "Tesseract", "picture_of", "readers_of"]
