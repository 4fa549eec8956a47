"""Permitted wording: each named word is found however it is spaced or written, at its place, and honest text is not.

The words are those that the Advertising Law (art. 9, 25) and the rules on the sale of wealth products name.
"""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.conduct import permitted
from zhike.conduct.messages import KINDS
from zhike.conduct.permitted import lacks_risk_notice, look

patient = settings(deadline=None)


def found(text: str, kind: str = "marketing") -> list[str]:
    return [phrase.found for phrase in look(text, kind)]


def groups(text: str, kind: str = "marketing") -> list[str]:
    return [phrase.group.name for phrase in look(text, kind)]


# Advertising Law art. 9 (3) and 25 (1); Measures of 2011; Interim Measures of 2021, art. 25 (2).
NAMED = {
    "promised_return": "保本 保息 保收益 稳赚 稳赚不赔 刚性兑付 保证收益 本金安全 只赚不赔",
    "no_risk": "零风险 无风险 没有风险",
    "high_return": "最高收益 高收益 预期收益率 预期年化收益率",
    "absolute": "国家级 最高级 最佳 最好 最强 最大 唯一 首只 最有价值 业绩优良 名列前茅 位居前列",
    "unfit": "安全 保证 承诺 避险 有保障",
}


@pytest.mark.parametrize(("group", "word"), [(group, word) for group, words in NAMED.items() for word in words.split()])
def test_each_named_word_is_caught(group, word):
    text = f"本款{word}产品今日上架"
    (phrase,) = look(text, "marketing")
    assert (phrase.group.name, phrase.found, phrase.start, phrase.end) == (group, word, 2, 2 + len(word))
    assert phrase.effect == ("warn" if group == "unfit" else "block")
    assert phrase.why.zh
    assert phrase.why.en
    assert phrase.group.source.zh


@pytest.mark.parametrize("kind", KINDS)
def test_promises_are_caught_in_every_kind(kind):
    assert found("这款保本保息、零风险、预期收益率5%", kind) == ["保本保息", "零风险", "预期收益率"]


@pytest.mark.parametrize(
    ("kind", "effects"),
    [
        ("marketing", [("absolute", "block")]),
        ("thanks", [("absolute", "warn")]),
        ("service", [("absolute", "warn")]),
        ("greeting", []),
    ],
)
def test_the_advertising_law_binds_advertising(kind, effects):
    assert [(each.group.name, each.effect) for each in look("我行是行业第一", kind)] == effects


@pytest.mark.parametrize(
    ("kind", "effect"),
    [("thanks", "block"), ("call_back", "block"), ("service", "block"), ("greeting", "block"), ("answer", "warn")],
)
@pytest.mark.parametrize("word", ["收益率", "起购", "限时", "额度有限", "认购", "年化", "业绩基准", "新客专享"])
def test_what_does_not_sell_carries_no_selling_words(kind, effect, word):
    assert [(each.found, each.effect) for each in look(f"感谢您来访，新产品{word}", kind)] == [(word, effect)]
    assert found(f"新产品{word}", "marketing") == []


@pytest.mark.parametrize("kind", ["thanks", "call_back", "service", "greeting"])
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("祝您新春快乐！新一期年 化3.5%", "年 化"),
        ("中秋快乐，业绩基准2.8%，到网点来看看", "业绩基准"),
        ("七日年化2.1%，随时来办", "七日年化"),
        ("感谢来访，推荐一款稳健的", "推荐一款"),
        ("Happy New Year! 3.5% annualised, ask me.", "annualised"),
    ],
)
def test_a_greeting_sells_nothing_in_passing(kind, text, word):
    """PRACTICE §2 row 16."""
    assert found(text, kind) == [word]
    assert found(text, "marketing") == []


DISGUISED = [
    "保 本",
    "保\u200b本",
    "保\ufeff\u2060本",
    "保.本",
    "保·本",
    "保-本",
    "保*本",
    "保，本",
    "保。本",
    "保、本",
    "保\n本",
    "保🔒本",
    "保\u0301本",
    "保夲",
    "葆本",
    "稳賺不賠",
    "穩賺不賠",
    "稳。赚。不。赔",
    "零 風 險",
    "〇风险",
    "０风险",
    "零\u3000风险",
    "無風險",
    "預期收益率",
    "NO.1",
    "Ｔｏｐ１",
    "⾼收益",
    "最\ufe00佳",
    "國家級",
    "唯 一",
    "第 一",
    "亻呆本",
    "bao本",
]


@pytest.mark.parametrize("word", DISGUISED)
def test_a_disguise_is_seen_through_and_pointed_at(word):
    text = f"本款{word}产品"
    (phrase,) = look(text, "marketing")
    assert (phrase.found, text[phrase.start : phrase.end]) == (word, word)


HONEST = [
    ("marketing", "本产品不保本，不保证收益，理财非存款，产品有风险，投资须谨慎。"),
    ("marketing", "非保本浮动收益型，业绩比较基准2.5%-3.0%，不构成任何收益保证。"),
    ("marketing", "本产品不承诺保本保息，也不承诺保本、保息或最低收益。"),
    ("marketing", "本产品不承诺保本、保息、保收益及高回报。"),
    ("marketing", "任何投资都不是零风险，没有零风险的理财。"),
    ("marketing", "理财产品已打破刚性兑付，请谨防“保本高收益”骗局，切勿轻信高收益。"),
    ("marketing", "高收益伴随高风险，请您理性投资。"),
    ("marketing", "【智客银行】稳健理财A款在售，PR2级，1万元起购，额度有限，详询95588。拒收请回复R"),
    ("marketing", "近一年最大回撤0.5%，净值较高，收益较稳定；昨日亏损为零，风险等级PR1。"),
    ("marketing", "单笔最高可购50万元，办理最好提前预约。祝您平安，全家幸福！"),
    ("thanks", "感谢您第一次到访，最近天凉，请注意保暖。"),
    ("thanks", "担保本人已到场，感谢您配合；您投保，本月生效。"),
    ("thanks", "您投保本行代销的年金，社保本月已扣。请确保本人到场。"),
    ("thanks", "感谢您最大的支持，我们将提供最优质的服务。"),
    ("greeting", "最好的祝愿送给您和家人，愿您拥有最好的一年！"),
    ("greeting", "祝您中秋快乐，阖家幸福。客户经理李明 13800138000"),
    ("greeting", "人生唯一，祝您平安。全家安康！"),
    ("service", "您认购的产品已确认，认购金额10万元。请确认购买信息。"),
    ("service", "您一起投诉的事项已办结，权限时效至年底，在售后服务中心可查。"),
    ("service", "您的卡尾号1234于2026-02-16 14:56支出1,000.00元，如有疑问请致电95588。"),
    ("service", "如忘记密码，请致电95588。我行不会索要您的密码和验证码。"),
    ("service", "修改密码 95588，密码为6位数字。"),
    ("service", "我的邮箱 zhang.co@bank.com.cn，谢谢您。公司将于3.15发布。"),
    ("service", "您持有的产品本期实际年化收益率为2.81%，业绩比较基准调整公告见手机银行。"),
    ("service", "您的贷款年化利率自1月1日起由4.1%调整为3.9%（年化利率单利）。"),
    ("service", "您持有的产品业绩基准调整公告已发布；谨防高息骗局。"),
    ("greeting", "愿您今年化险为夷，来年化作春泥更护花。"),
    ("thanks", "感谢您陪我们参观五十年化工老厂，老年化的社区更要用心。"),
    ("service", "凡要求转账到“安全账户”的都是诈骗，请勿点击陌生链接。"),
    ("marketing", "本行不对本金和收益作任何承诺，请第一时间阅读说明书。"),
    ("answer", "您好，本行没有保本保收益的理财产品；存款在50万元以内受存款保险保障。"),
    ("answer", "您的订单2026021620260301已受理。"),
    ("answer", "无风险测评记录的客户，请先测评。您没有风险承受能力评估。"),
]


@pytest.mark.parametrize(("kind", "text"), HONEST)
def test_honest_text_is_not_caught(kind, text):
    assert found(text, kind) == []


TURNED_BACK = [
    ("不得不保本", "保本"),
    ("并非不保本", "保本"),
    ("有没有风险？没有，保本！", "保本"),
    ("由我承担。保本！人人有份", "保本"),
    ("不保本，保收益", "保收益"),
    ("不保本、保收益", "保收益"),
    ("不保本、保息", "保息"),
    ("不承诺保本，保收益", "保收益"),
    ("不保本保息、保收益", "保收益"),
    ("由我行承担，保本！", "保本"),
    ("担保本金", "担保本金"),
    ("确保本金", "确保本金"),
    ("不仅保本", "保本"),
    ("非常保本", "保本"),
]


@pytest.mark.parametrize(("text", "word"), TURNED_BACK)
def test_what_only_looks_like_a_denial_is_caught(text, word):
    assert word in found(text)


PRIVATE = [
    ("identity_number", "110101199003078806"),
    ("identity_number", "11010119900307109X"),
    ("identity_number", "11010119900307109x"),
    ("identity_number", "110101 19900307 8806"),
    ("identity_number", "１１０１０１１９９００３０７８８０６"),
    ("identity_number", "1 1 0 1 0 1 1 9 9 0 0 3 0 7 8 8 0 6"),
    ("card_number", "6222021234567890128"),
    ("card_number", "6222 0212 3456 7890 128"),
    ("card_number", "4111-1111-1111-1111"),
    ("secret", "验证码是123456"),
    ("secret", "驗證碼：123456"),
    ("secret", "密码:888888"),
    ("secret", "密 码: 8 8 8 8 8 8"),
    ("secret", "CVV 123"),
    ("secret", "cvv2：123"),
    ("secret", "123456是您的验证码"),
    ("link", "http://t.cn/abc"),
    ("link", "www.icbc.com.cn"),
    ("link", "icbc。com"),
    ("link", "icbc . com"),
    ("link", "ｉｃｂｃ．ｃｏｍ"),
    ("link", "https://10.1.2.3/x"),
    ("link", "10.1.2.3"),
    ("link", "weixin://dl/business"),
    ("link", "工商银行.中国"),
]


@pytest.mark.parametrize(("group", "what"), PRIVATE)
@pytest.mark.parametrize("kind", KINDS)
def test_private_numbers_and_addresses_are_caught_in_every_kind(group, what, kind):
    text = f"您好（{what}）请查收"
    (phrase,) = look(text, kind)
    assert (phrase.group.name, phrase.effect) == (group, "block")
    assert phrase.found in what
    assert len(phrase.found) > len(what) // 2
    assert text[phrase.start : phrase.end] == phrase.found


@pytest.mark.parametrize(
    "number",
    [
        "110101199003078807",  # the last sign does not follow
        "110101199013078806",  # no thirteenth month
        "6222021234567890129",  # the last digit does not follow
        "13800138000",
        "6222****0128",
        "尾号8806",
    ],
)
def test_what_is_no_such_number_passes(number):
    assert found(f"您好 {number} 请查收", "service") == []


def test_an_identity_number_beside_a_mobile_number_is_found():
    assert found("李明 110101199003078806 13800138000", "service") == ["110101199003078806"]


def test_of_one_in_another_the_wider_is_told_and_both_of_two_that_overlap():
    assert found("这款保本保息") == ["保本保息"]
    assert found("预期最高收益率5%") == ["最高收益率"]
    assert found("收益有保障本金") == ["收益有保障", "保障本金"]


def test_what_is_private_is_pointed_at_and_not_repeated():
    (phrase,) = look("卡号4111111111111111已开通", "service")
    assert (phrase.where.zh, phrase.where.en) == ("第 3 至 18 字", "characters 3 to 18")
    (phrase,) = look("本款保本", "service")
    assert (phrase.where.zh, phrase.where.en) == ("第 3 字起“保本”", "“保本”, from character 3")


def test_a_wealth_product_is_not_advertised_without_its_notice():
    assert lacks_risk_notice("稳健理财产品A款在售")
    assert lacks_risk_notice("净值型产品，产品有风险")
    assert not lacks_risk_notice("理财产品A款在售。理财非存款，产品有风险，投资须谨慎")
    assert not lacks_risk_notice("我是您的理财经理李明")


def words(name: str) -> list[tuple[permitted.Group, str]]:
    data, table = permitted._data(), permitted._table()
    return [(group, word) for group in data.groups.values() for word in table[group.name].get(name, "").split()]


@pytest.mark.parametrize(("group", "word"), words("phrases"))
def test_each_phrase_of_the_data_is_found(group, word):
    kind = next(kind for kind in KINDS if group.effect(kind))
    assert word in found(f"我行{word}", kind) or any(word in each for each in found(f"我行{word}", kind))


@pytest.mark.parametrize(("group", "word"), words("harmless"))
def test_each_harmless_word_of_the_data_passes_its_own_group(group, word):
    for kind in KINDS:
        assert group.name not in groups(f"我行{word}", kind)


def test_the_data_names_kinds_that_there_are():
    for group in permitted._data().groups.values():
        assert set(group.effects) <= {*KINDS, "*"}
        assert group.effects


BETWEEN = st.text(alphabet=" \u200b\u200d\ufeff\u3000.-_·*~|/+#^…", min_size=0, max_size=3).filter(
    lambda text: "…" not in text
)
BLOCKED = [word for group, word in words("phrases") if group.effect("marketing") == "block"]


@patient
@given(st.sampled_from(BLOCKED), st.data())
def test_whatever_stands_between_the_characters_the_phrase_is_found_and_pointed_at(word, data):
    spaced = word[0] + "".join(data.draw(BETWEEN) + char for char in word[1:])
    text = f"我行新推{spaced}，请了解"
    covering = [phrase for phrase in look(text, "marketing") if phrase.found in spaced or spaced in phrase.found]
    assert covering, text
    letters = permitted._LETTERS
    for phrase in covering:
        assert text[phrase.start : phrase.end] == phrase.found
        assert phrase.found.translate(letters) in word.translate(letters)


@patient
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120), st.sampled_from(list(KINDS)))
def test_no_text_is_too_strange(text, kind):
    phrases = look(text, kind)
    assert phrases == look(text, kind)
    assert [each.start for each in phrases] == sorted(each.start for each in phrases)
    for phrase in phrases:
        assert text[phrase.start : phrase.end] == phrase.found != ""


@patient
@given(
    st.lists(st.sampled_from([*BLOCKED, "不", "非", "没有", "担", "人", "，", "。", " ", "、", "和", "1", "x", "."]))
)
def test_no_heap_of_phrases_breaks_it(pieces):
    text = "".join(pieces)
    for phrase in look(text, "marketing"):
        assert text[phrase.start : phrase.end] == phrase.found
        assert unicodedata.normalize("NFKC", phrase.found)
