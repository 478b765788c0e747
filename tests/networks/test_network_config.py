"""Configs that cannot be built say which value is wrong and what would do."""

from dataclasses import replace
from math import inf, nan

import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.config import (
    DUST3R_512_DPT,
    DUST3R_512_LINEAR,
    CrocoConfig,
    DPTHeadConfig,
    LocalFeatureConfig,
    NetworkConfig,
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"enc_embed_dim": 1000},
            "enc_embed_dim is 1000; it must be a positive multiple of 64, up to 65536.",
        ),
        ({"dec_num_heads": 0}, "dec_num_heads is 0; it must be a whole number above 0, and up to 65536."),
        ({"enc_depth": 0}, "enc_depth is 0; it must be a whole number above 0, and up to 65536."),
        ({"long_edge": 500}, "long_edge is 500; it must be a positive multiple of 16, up to 65536."),
        ({"patch_size": 8}, "patch_size is 8; a DPT head gives 16 pixels a token."),
        ({"dec_depth": 2}, "dec_depth is 2; a DPT head taps 3 decoder blocks."),
        ({"rope_base": 1.0}, "rope_base is 1.0; it must be above 1 (published: 100)."),
        ({"norm_eps": 0.0}, "norm_eps is 0.0; it must be between 0 and 1 (published: 1e-6)."),
        ({"norm_eps": 1e308}, "norm_eps is 1e+308; it must be between 0 and 1 (published: 1e-6)."),
        ({"rope_base": inf}, "rope_base is inf; it must be above 1 (published: 100)."),
        ({"rope_base": nan}, "rope_base is nan; it must be above 1 (published: 100)."),
        (
            {"long_edge": 16 * 10**12},
            "long_edge is 16000000000000; it must be a positive multiple of 16, up to 65536.",
        ),
        (
            {"confidence_max": 1.0},
            "NetworkConfig has confidence from 1.0 to 1.0; give 0 <= minimum < maximum.",
        ),
    ],
)
def test_names_what_is_wrong(changes, message):
    with pytest.raises(InputError) as raised:
        replace(DUST3R_512_DPT, **changes)
    assert str(raised.value) == message


def test_heads_are_checked_too():
    with pytest.raises(InputError, match="layer_dims is 0; it must be a whole number above 0"):
        DPTHeadConfig(layer_dims=(96, 0, 384, 768))
    with pytest.raises(InputError, match="feature_dim is 255; it must be a positive multiple of 2"):
        DPTHeadConfig(feature_dim=255)
    with pytest.raises(InputError, match=r"LocalFeatureConfig\.dim is -1"):
        LocalFeatureConfig(dim=-1)
    with pytest.raises(InputError, match="local_features stand beside a DPT head"):
        replace(DUST3R_512_LINEAR, local_features=LocalFeatureConfig())
    with pytest.raises(InputError, match=r"mask_ratio is 1\.0"):
        CrocoConfig(mask_ratio=1.0)


def test_hooks_of_the_published_decoder():
    assert NetworkConfig().hooks == (0, 6, 9, 12)
