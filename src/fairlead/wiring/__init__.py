"""The only composition roots: settings in, built objects out. Import `data_plane` or `control_plane`, never both from here.

`exchange` is what the doors of the data plane share: one Exchange, whose records are durable before anything of it leaves.
"""
