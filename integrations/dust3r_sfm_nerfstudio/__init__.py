"""dust3r_sfm inside nerfstudio: `ns-process-data dust3r`. Empty, as Python imports it whenever it starts."""
