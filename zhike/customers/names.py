"""Names: how they are found (characters, pinyin, initials), sorted, read aloud and spoken to.

Nothing here is slow twice: what a character sounds like is looked up once and kept, because an import meets the same
few thousand characters two hundred thousand times.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import islice, product

from pypinyin import lazy_pinyin, pinyin_dict

from zhike.conduct.characters import simplified

# Surnames whose reading is not what the character usually says; the likeliest first. Every one of them is indexed.
READINGS = {
    surname: tuple(readings.split())
    for surname, readings in {
        "单": "shàn", "解": "xiè", "仇": "qiú", "查": "zhā", "曾": "zēng", "朴": "piáo pǔ", "区": "ōu", "盖": "gě gài",
        "任": "rén", "华": "huà huá", "宁": "níng nìng", "燕": "yān", "乐": "yuè lè", "翟": "zhái dí", "尉": "wèi yù",
        "缪": "miào", "纪": "jǐ jì", "葛": "gě", "覃": "qín tán", "隗": "wěi kuí", "种": "chóng", "繁": "pó", "冼": "xiǎn",
        "黑": "hè", "秘": "bì", "车": "chē", "句": "gōu", "过": "guō", "牟": "mù móu", "员": "yùn yuán", "召": "shào",
        "折": "shé", "祭": "zhài", "柏": "bǎi bó", "那": "nā", "盛": "shèng", "宓": "mì fú", "谌": "chén shèn", "佴": "nài",
        "隽": "juàn jùn", "薄": "bó", "粘": "nián", "瞿": "qú", "占": "zhān", "贾": "jiǎ", "曲": "qū", "石": "shí",
        "能": "nài", "都": "dū", "乜": "niè", "郗": "xī chī", "洗": "xiǎn", "应": "yīng", "哈": "hǎ", "卜": "bǔ",
        "訾": "zī", "於": "yū", "臧": "zāng", "褚": "chǔ", "郄": "qiè xì", "逄": "páng", "阚": "kàn", "厍": "shè",
        "令": "líng", "长": "zhǎng", "贲": "bēn", "娄": "lóu", "少": "shào", "舍": "shè", "干": "gān", "桑": "sāng",
        "行": "xíng háng", "强": "qiáng", "藏": "zāng", "观": "guàn", "冠": "guàn", "便": "pián", "适": "kuò shì",
        "单于": "chán-yú", "万俟": "mò-qí", "尉迟": "yù-chí", "澹台": "tán-tái", "令狐": "líng-hú",
        "长孙": "zhǎng-sūn", "乐正": "yuè-zhèng", "子车": "zǐ-jū", "宰父": "zǎi-fǔ", "夏侯": "xià-hóu", "呼延": "hū-yán",
        "闾丘": "lǘ-qiū", "颛孙": "zhuān-sūn", "濮阳": "pú-yáng", "钟离": "zhōng-lí", "鲜于": "xiān-yú", "淳于": "chún-yú",
    }.items()
}  # fmt: skip
COMPOUND = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "令狐",
        "慕容",
        "宇文",
        "长孙",
        "司徒",
        "司空",
        "夏侯",
        "端木",
        "百里",
        "东郭",
        "南宫",
        "呼延",
        "轩辕",
        "澹台",
        "公冶",
        "宗政",
        "濮阳",
        "淳于",
        "单于",
        "太叔",
        "申屠",
        "仲孙",
        "钟离",
        "鲜于",
        "闾丘",
        "司寇",
        "子车",
        "颛孙",
        "巫马",
        "公西",
        "漆雕",
        "乐正",
        "壤驷",
        "公良",
        "拓跋",
        "夹谷",
        "宰父",
        "谷梁",
        "段干",
        "东门",
        "南门",
        "西门",
        "第五",
        "万俟",
        "闻人",
        "赫连",
        "左丘",
        "梁丘",
        "独孤",
        "纳兰",
        "完颜",
        "叶赫",
        "那拉",
    ]
)
# The commonest surnames, which are read in one way alone though a dictionary gives rare ones.
PLAIN = frozenset(
    """王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭肖田董袁潘于蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭陆汪
    范金廖韦夏付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严赖武戴莫孔向汤康易常文牛"""
)
LONG = 4  # a given name longer than this is foreign; its characters are read in their usual way
PREFIX = 24  # letters of the full pinyin that can be typed; longer names (companies) are found before that
COMBINATIONS = 8  # readings of one name that are indexed
DOTS = dict.fromkeys(map(ord, " \t\n\u3000·•・‧∙'’-—_.,，。()（）"))


def normal(text: str) -> str:
    """What two ways of writing one name have in common: width, case, traditional characters, dots and spaces gone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(simplified())
    return text.casefold().translate(DOTS)


def is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000" or char == "〇"


def grams(name: str) -> list[str]:
    """Every one and two neighbouring characters of the name, normalised: what the character search looks up."""
    text = normal(name)
    return list(dict.fromkeys([*text, *(text[at : at + 2] for at in range(len(text) - 1))]))


@lru_cache(maxsize=20_000)
def toned(char: str) -> tuple[str, ...]:
    """Readings of a character with tone marks, the commonest first; of anything else itself."""
    readings = pinyin_dict.pinyin_dict.get(ord(char))
    return tuple(readings.split(",")) if readings else (char.lower(),)


@lru_cache(maxsize=20_000)
def plain(reading: str) -> str:
    """A reading as it is typed: no tone, ü as v."""
    letters = reading.replace("ü", "v").replace("ǖ", "v").replace("ǘ", "v").replace("ǚ", "v").replace("ǜ", "v")
    return "".join(c for c in unicodedata.normalize("NFD", letters) if not unicodedata.combining(c)).replace("ê", "e")


def split(name: str) -> tuple[str, str]:
    """Surname and given name of a Chinese personal name; a name in letters is its own surname."""
    text = name.strip()
    if not text or not is_han(text[0]) or "·" in text:
        return text, ""
    simple = text[:2].translate(simplified())
    length = 2 if len(text) > 2 and simple in COMPOUND else 1
    return text[:length], text[length:]


@lru_cache(maxsize=20_000)
def _given(char: str) -> tuple[str, ...]:
    """How a character in a given name or a company's name may be typed: its two commonest readings."""
    found = list(dict.fromkeys(plain(reading) for reading in toned(char)))[:2]
    return tuple(dict.fromkeys([*found, *(each.replace("v", "u") for each in found if "v" in each)]))


@lru_cache(maxsize=20_000)
def _surname(surname: str) -> tuple[tuple[str, ...], ...]:
    """How a surname may be typed, syllable by syllable: its readings as a surname, then as plain characters."""
    simple = surname.translate(simplified())
    said = [
        tuple(plain(part) for part in reading.split("-")) for reading in READINGS.get(simple, READINGS.get(surname, ()))
    ]
    most = 1 if simple in PLAIN else 2
    usual = product(*(list(dict.fromkeys(plain(r) for r in toned(char)))[:most] for char in surname))
    readings = dict.fromkeys([*(each for each in said if len(each) == len(surname)), *usual])
    return tuple(dict.fromkeys([*readings, *(tuple(s.replace("v", "u") for s in each) for each in readings)]))


def pinyin(name: str, *, company: bool = False) -> list[str]:
    """All that may be typed to find the name by sound: beginnings of the pinyin, of the initials, of surname and initials.

    单雪梅 is found by ``shan``, ``shanxue``, ``sxm``, ``shanxm``, and by ``dan`` and ``dxm`` too: whoever types need not
    know how the surname is read. A company is found by the initials from each of its first characters on: 上海宏达 by ``hd``.
    """
    surname, rest = ("", name) if company else split(name)
    if surname and (len(surname) > 2 or not is_han(surname[0])):
        surname, rest = "", name
    text = unicodedata.normalize("NFKC", rest).translate(DOTS)
    if len(text) > LONG or not surname:
        tails = [_usual(text)]
    else:
        given = islice(product(*(_given(char) for char in text)), COMBINATIONS)
        tails = [("".join(each), "".join(s[0] for s in each)) for each in given]
    keys: dict[str, None] = {}
    for reading in _surname(surname) if surname else ((),):
        head, heads = "".join(reading), "".join(syllable[0] for syllable in reading)
        for tail, tails_initials in tails:
            full = (head + tail)[:PREFIX]
            for end in range(1, len(full) + 1):
                keys[full[:end]] = None
            initials = (heads + tails_initials)[:PREFIX]
            for end in range(1, len(initials) + 1):
                keys[initials[:end]] = None
            if head:
                for end in range(1, len(tails_initials) + 1):
                    keys[head + tails_initials[:end]] = None
    if company:
        letters = tails[0][1]
        for start in range(1, min(8, len(letters) - 1)):
            for end in range(start + 2, min(start + 7, len(letters) + 1)):
                keys[letters[start:end]] = None
    return list(keys)


def _usual(text: str) -> tuple[str, str]:
    """Pinyin and initials of a longer text, read in its words: 银行 is yinhang. Letters stand for themselves."""
    syllables = lazy_pinyin(text[:PREFIX].lower(), errors=list)  # type: ignore[arg-type]  # letters one by one
    return "".join(syllables), "".join(s[0] for s in syllables if s)


@lru_cache(maxsize=20_000)
def _sorted(char: str, reading: str) -> str:
    return f"{plain(reading)}{_tone(reading)}{char}"


def _tone(reading: str) -> int:
    for char in unicodedata.normalize("NFD", reading):
        tone = "\u0304\u0301\u030c\u0300".find(char)
        if tone >= 0:
            return tone + 1
    return 5


def sort_key(name: str, *, company: bool = False) -> str:
    """The order of a Chinese list of names: by sound, tone, character; the surname as it is read."""
    surname, rest = ("", name) if company else split(name)
    parts = []
    if surname and is_han(surname[0]):
        said = READINGS.get(surname.translate(simplified()), ())
        syllables = said[0].split("-") if said else []
        parts = [
            _sorted(char, syllables[at] if len(syllables) == len(surname) else toned(char)[0])
            for at, char in enumerate(surname)
        ]
    else:
        rest = surname + rest
    if rest.isascii():
        return " ".join([*parts, rest.lower()]).strip()
    return " ".join([*parts, *(_sorted(char, toned(char)[0]) for char in rest[:12])])


def unusual_reading(name: str) -> str:
    """How the surname is read where the character usually says something else: 单 → "Shàn", else an empty text."""
    surname, _given_name = split(name)
    said = READINGS.get(surname.translate(simplified())) if surname else None
    if not said:
        return ""
    syllables = said[0].split("-")
    if len(syllables) != len(surname) or all(s == toned(c)[0] for s, c in zip(syllables, surname, strict=True)):
        return ""
    return "".join(syllables).capitalize()


def honorific(name: str, gender: str) -> str:
    """The form of address (称谓) that is proposed until the customer's own is known; empty where the gender is not known."""
    title = {"f": "女士", "m": "先生"}.get(gender)
    return f"{split(name)[0]}{title}" if title and name else ""
