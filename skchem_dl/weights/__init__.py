"""Files of pretrained weights; see `skchem_dl.pretraining`."""
