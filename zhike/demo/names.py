"""The words of a bank that does not exist: names as they are met at a counter, companies, streets, hobbies.

Frequencies of surnames follow the census roughly; given names follow the years they were given in. Whoever carries one
of these names in life is not meant. Numbers lie in ranges that were never given out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random

# Surname and how many of ten thousand carry it.
_SURNAMES = """
王720 李718 张680 刘540 陈454 杨309 黄225 赵220 吴205 周200 徐145 孙140 马130 朱125 胡118 郭115 何112 林110 高100 罗86
郑82 梁80 谢72 宋70 唐65 许64 韩63 冯60 邓60 曹59 彭58 曾55 肖54 田53 董52 袁50 潘49 于48 蒋47 蔡46 余44 杜43 叶43
程42 苏41 魏40 吕40 丁39 任39 沈38 姚38 卢37 姜37 崔36 钟36 谭36 陆35 汪34 范33 金33 石32 廖31 贾31 夏30 韦29 付28
方28 白28 邹27 孟27 熊26 秦26 邱25 江25 尹24 薛24 闫23 段22 雷22 侯21 龙20 史19 陶19 黎18 贺18 顾18 毛17 郝17 龚17
邵16 万15 钱15 严14 赖13 覃13 洪12 武12 莫11 孔11 汤10 向10 常10 温10 康9 施9 文8 牛8 樊8 葛8 邢7 安7 齐6 易6 乔6
单5 解5 仇4 查4 朴3 区3 盖2 翟5 尉2 缪3 燕3 宁4 华4 乐2 柏3 盛4 车3 种1 冼2 谌2 宓1 欧阳6 司马2 上官2 诸葛2 皇甫1
令狐1 慕容1 东方1 夏侯1 尉迟1
"""
# In every bank of this size somebody carries one of these: each is met at least once.
RARE = tuple("单 解 仇 查 曾 朴 区 盖 翟 尉 缪 燕 宁 乐 种 冼 谌 欧阳 司马 上官 诸葛 令狐 尉迟 慕容".split())

# Given names by gender and the years they were given in, from the oldest.
_GIVEN = {
    "m": (
        """建国 国强 志明 德福 永贵 金生 根宝 阿土 文彬 耀祖 世昌 鸿儒 怀远 启明 绍华 炳坤 长庚 德全 兆麟 伯年 维周 树声 振邦 茂林 福生""",
        """伟 军 勇 强 建军 建华 志强 国栋 卫东 宏伟 海涛 立新 学文 永刚 晓峰 爱民 新民 跃进 文革 向东 建平 国庆 保平 志刚 宝华 少华""",
        """磊 涛 鹏 超 浩 杰 斌 辉 波 凯 健 俊 明 亮 飞 刚 平 毅 翔 峰 剑锋 文杰 志远 晓东 嘉伟 振宇 立群 一凡 海波 子健 思远 春明""",
        """子轩 浩然 宇航 俊杰 子豪 博文 天佑 泽宇 梓涵 皓轩 思源 奕辰 一诺 睿 晨 逸飞 承宇 景行 知远 云帆 明哲 嘉树 予安 昊天 家乐""",
    ),
    "f": (
        """桂兰 秀英 玉珍 淑芬 凤英 桂芳 素珍 秀兰 玉梅 惠珍 月娥 金凤 银花 阿香 翠娥 静仪 婉如 佩芝 淑贞 云裳 蕙兰 若兰 毓秀 采薇 慧敏""",
        """丽 敏 静 燕 霞 红 萍 玲 梅 芳 英 华 雪梅 红梅 丽华 丽萍 小红 建英 爱华 晓云 亚琴 惠芳 美玲 春燕 秋菊 冬梅 志红 卫红 文娟 月琴""",
        """婷 雪 娟 倩 丹 莉 颖 琳 慧 佳 洁 蕾 薇 璐 茜 雯 艳 玉婷 晓燕 海燕 文静 雅琴 思敏 若曦 佳慧 嘉怡 晓琳 曼 蔓 季雨 楠 露""",
        """雨桐 欣怡 梓涵 思琪 佳怡 诗涵 梦瑶 可欣 若彤 语嫣 子涵 雨萱 一诺 书瑶 清和 知夏 南乔 安然 沐晴 念慈 听雨 晗 悦 彤 宁""",
    ),
}
# The years in which each list was given.
_BORN = ((1936, 1955), (1956, 1974), (1975, 1992), (1993, 2006))
_HOW_MANY = (18, 42, 32, 8)

UNCOMMON = (
    ("古丽娜尔·艾合买提", "f", "古丽娜尔女士"),
    ("阿依夏木·吐尔逊", "f", "阿依夏木女士"),
    ("扎西顿珠·次仁", "m", "扎西先生"),
    ("巴特尔·阿拉坦", "m", "巴特尔先生"),
    ("欧阳慕容雪", "f", "欧阳女士"),
    ("司徒李明远", "m", "司徒先生"),
    ("Marguerite Oyelaran-Fontaine", "f", "Ms Oyelaran"),
    ("䶮", "m", "龑先生"),
)

PLACES = tuple("澄江 临湖 柳浪 望湖 曲院 花港 断桥 白堤 龙坞 青芝 云栖 九溪".split())
_FIRM = tuple(
    "宏远 申达 恒丰 启明 瑞诚 天合 润泽 汇川 金穗 海纳 德昌 嘉禾 鼎新 同盛 百川 致远 万和 立本 泰来 长青".split()
)
_TRADE = (
    "精工机械|机械制造", "贸易|批发贸易", "纺织|纺织", "软件|软件", "食品|食品加工", "物流|运输仓储", "装饰工程|装修",
    "茶业|茶叶", "医疗器械|医疗器械", "包装材料|包装", "汽车配件|汽车配件", "餐饮管理|餐饮", "文化传媒|广告传媒", "建材|建材",
)  # fmt: skip
LONG_FIRMS = (
    "澄江市临湖新区花港水产品精深加工与冷链物流贸易有限责任公司",
    "柳浪闻莺（澄江）数字文化创意产业发展股份有限公司",
)

STREETS = tuple(
    "柳浪路 望湖路 曲院街 花港里 断桥东街 白堤路 龙坞茶街 青芝坞 云栖竹径 九溪路 满觉陇 孤山路 北山街 南屏晚钟路".split()
)
ESTATES = tuple("滨江壹号 湖畔花园 柳浪新村 望湖公寓 桂雨苑 听涛居 云栖玫瑰园 翡翠城 锦绣江南 梧桐公馆".split())
EMPLOYERS = (
    "柳浪实验小学|教师|教育", "澄江市第一医院|医师|医疗", "澄江大学|教授|教育", "宏远精工|工程师|制造", "临湖设计院|设计师|建筑",
    "澄江供电公司|技术员|电力", "望湖酒店|经理|酒店", "个体经营|店主|零售", "启明软件|程序员|软件", "澄江港务|调度员|运输",
    "退休|退休教师|", "退休|退休工程师|", "自由职业|撰稿人|", "九溪茶庄|经营者|茶叶", "市图书馆|馆员|文化", "律师事务所|律师|法律",
)  # fmt: skip
HOBBIES = tuple(
    "昆曲 评弹 种兰花 书法 摄影 钓鱼 太极拳 广场舞 马拉松 羽毛球 乒乓球 登山 骑行 围棋 岩茶 普洱茶 古琴 二胡 越剧 水彩 烘焙 集邮 "
    "自驾游 养鱼 篆刻 瑜伽 游泳 读史 看展 养猫 足球 编织".split()
)
SERVICE = ("周末方便来电", "下午三点后来电", "上午十点前不打电话", "晚饭后方便", "发微信先约", "工作日中午方便")
TABOOS = ("不谈保险", "不谈家人", "不喜欢被推荐基金", "不要提前夫", "不接陌生座机")
GOALS = ("养老", "子女留学", "换房", "传承", "资产保值", "创业备用金")

PRODUCTS = {
    "deposit": ("三年定期", "一年定期", "大额存单 三年", "大额存单 一年", "七天通知存款"),
    "wealth": ("稳利 180 天", "月月盈", "安享 360 天", "日日金", "固收增强 一年"),
    "fund": ("均衡成长混合", "红利指数"),
    "insurance": ("颐养年金",),
}


@dataclass(frozen=True)
class Person:
    """Somebody's name, gender and year of birth; ``honorific`` where it does not follow from the name."""

    name: str
    gender: str
    born: int
    honorific: str = ""


class People:
    """An endless queue of people and companies, the same for the same seed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        pairs = [
            (item.rstrip("0123456789"), item.lstrip("".join(c for c in item if not c.isdigit())))
            for item in _SURNAMES.split()
        ]
        self.surnames = [surname for surname, _ in pairs]
        self.weights = list(accumulate(int(number) for _, number in pairs))
        self.rare = list(RARE)
        self.uncommon = list(UNCOMMON)
        self.long_firms = list(LONG_FIRMS)

    def person(self) -> Person:
        """The next one: most are common, each rare surname and uncommon name comes once among the first few hundred."""
        draw = self.random.random()
        if self.uncommon and draw < 0.01:
            name, gender, honorific = self.uncommon.pop()
            return Person(name, gender, self.random.randint(1958, 1995), honorific)
        if self.rare and draw < 0.06:
            surname = self.rare.pop()
        else:
            surname = self.random.choices(self.surnames, cum_weights=self.weights)[0]
        gender = self.random.choice("fm")
        return self.relative(surname, gender)

    def relative(self, surname: str, gender: str, generation: int | None = None) -> Person:
        """Somebody of that surname, of any generation or the one named (0 is the oldest)."""
        if generation is None:
            generation = self.random.choices(range(4), _HOW_MANY)[0]
        given = self.random.choice(_GIVEN[gender][generation].split())
        return Person(surname + given, gender, self.random.randint(*_BORN[generation]))

    def company(self) -> tuple[str, str]:
        """A company's name and its line of business."""
        if self.long_firms and self.random.random() < 0.05:
            return self.long_firms.pop(), "综合"
        trade, industry = self.random.choice(_TRADE).split("|")
        return f"{self.random.choice(PLACES)}{self.random.choice(_FIRM)}{trade}有限公司", industry

    def mobile(self, number: int) -> str:
        """A mobile number that rings nowhere: 154 was never given to any carrier's customers."""
        return f"154{(number * 7_919 + 13_571_113) % 100_000_000:08d}"

    def identity(self, born: tuple[int, int, int], gender: str, number: int) -> str:
        """A well-formed identity number of an area that does not exist (99 is no province)."""
        order = (number % 499) * 2 + (1 if gender == "m" else 2)
        digits = f"990101{born[0]:04d}{born[1]:02d}{born[2]:02d}{order:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]

    def address(self) -> str:
        street, estate = self.random.choice(STREETS), self.random.choice(ESTATES)
        building, floor, door = self.random.randint(1, 18), self.random.randint(1, 24), self.random.randint(1, 4)
        return f"澄江市临湖区{street} {self.random.randint(1, 280)} 号 {estate} {building} 幢 {floor}{door:02d} 室"
