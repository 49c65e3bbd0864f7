"""The GPUs of the machine, read through the driver's own library."""
