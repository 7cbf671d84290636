"""What a fit may be expected to gain on 2 to 64 nodes: counted, measured and modelled."""
