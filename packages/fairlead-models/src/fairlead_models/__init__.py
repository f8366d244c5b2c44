"""Files of the deep model; Fairlead reads them by their digests."""
