"""The only composition roots: settings in, built objects out. Import `data_plane` or `control_plane`, never both from here."""
