"""One Chinese character for another: what two ways of writing the same have in common."""

from functools import cache

import opencc


@cache
def simplified() -> dict[int, str]:
    """Each traditional character, by its code, with the simplified one; as `str.translate` wants it."""
    convert = opencc.OpenCC("t2s").convert
    pairs = ((code, convert(chr(code))) for code in range(0x3400, 0xA000))
    return {code: char for code, char in pairs if char != chr(code) and len(char) == 1}
