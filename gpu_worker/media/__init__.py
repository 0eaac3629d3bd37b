"""What touches pixels, samples and files: probe, decode, resample, masks, encode, audio."""
