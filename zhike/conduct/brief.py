"""BRIEF: what the code wants to be known or done at a moment, for this customer: the card, the script, the places, the manners.

Words only: who the customer is, what is owed and what matures stands beside it on the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words

NO_STEP = Words("", "")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do or to mind. `tick`: a name under which it can be attested by a tap; `choice`: left to the RM;
    `step`: the moment that it belongs to, in a word.
    """

    clause: str
    words: Words
    tick: str = ""
    choice: bool = False
    step: Words = NO_STEP


# The moments of a meeting and what a call minds, in a word each.
WELCOME, GREETING, SEAT = Words("迎", "Welcome"), Words("问候", "Greet"), Words("坐", "Seat")
LISTENING, LEAVING, SEEING_OFF = Words("听", "Listen"), Words("离座", "Step out"), Words("送", "See off")
TIME, ASKED = Words("时间", "Time"), Words("要求", "Requests")
VOICE, MATTER = Words("语气", "Voice"), Words("内容", "Matter")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script, spoken; `note` is for the RM alone."""

    words: Words
    note: Words | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a contact's preparation and its minutes ask for."""

    before: tuple[Item, ...] = ()
    during: tuple[Item, ...] = ()
    after: tuple[Item, ...] = ()
    script: tuple[Line, ...] = ()


def reception(*, tier: str, first: bool, invited_by_rm: bool, bank: Bank) -> Brief:
    """R1 to R11 for one guest."""
    before = [
        Item("R1", Words("资料备齐", "material ready"), "material"),
        Item("R1", Words("客户情况、资产已看", "basics and assets read"), "basics"),
        Item("R1", Words("记住姓名与称谓", "name and form of address remembered"), "name"),
        Item("R1", Words("名片在身", "business cards in the pocket"), "cards"),
        Item("R1", Words("茶水备好", "tea prepared"), "tea"),
        Item("R8", Words("手机静音", "own phone silent"), "silent"),
    ]
    during = [_going_out(tier, invited_by_rm, bank)]
    during.append(
        Item("R2", Words("请客人先行，相距约一米", "the guest walks first, at about one metre"), step=WELCOME)
    )
    if first:
        during.append(
            Item(
                "R3",
                Words(
                    "首次见面：热情问候，自我介绍，双手递名片，倾身 45°，正面朝上、名字朝客人",
                    "First meeting: greet warmly, introduce yourself, hand the card with both hands, bowing 45°, face up, name towards the guest",
                ),
                "card",
                step=GREETING,
            )
        )
    else:
        during.append(
            Item("R3", Words("热情问候，称呼在先", "greet warmly, by name and form of address"), step=GREETING)
        )
    during += [
        Item("R3", Words("先让座，再奉茶", "seat, then tea"), step=SEAT),
        Item(
            "R6",
            Words("听完再说，点头、应声，记下需求", "listen fully, with small signs of attention; write needs down"),
            step=LISTENING,
        ),
        Item(
            "R9",
            Words("离座、接电话，先征得同意", "ask before leaving the seat or answering the phone"),
            step=LEAVING,
        ),
    ]
    after = [
        Item(
            "R10", Words("为客人开门，随后而行", "open the door when the guest leaves, follow behind"), step=SEEING_OFF
        ),
        Item("R11", Words("合适处握手道别", "shake hands at a suitable place"), choice=True, step=SEEING_OFF),
        *_seeing_off(tier, bank),
    ]
    return Brief(tuple(before), tuple(during), tuple(after))


def _going_out(tier: str, invited_by_rm: bool, bank: Bank) -> Item:
    """R2: diamond+ whom the RM invited: outside the door; platinum: the RM decides; a walk-in owes no going out."""
    if bank.at_least(tier, "diamond") and invited_by_rm:
        words = Words("到门外迎接（自己邀约的客户）", "meet outside the door (invited by you)")
        return Item("R2", words, "met_outside", step=WELCOME)
    if tier == "platinum":
        return Item(
            "R2",
            Words(
                "到门外迎接与否，看客户重要程度和手头工作",
                "whether to meet outside the door: by importance and workload",
            ),
            "met_outside",
            choice=True,
            step=WELCOME,
        )
    return Item("R2", Words("上前迎接", "go to meet the customer"), step=WELCOME)


PLACES = {
    "outside_door": Words("门外", "outside the door"),
    "hall": Words("大堂", "the hall"),
    "wealth_room": Words("财富中心门口", "the door of the wealth room"),
    "branch_door": Words("支行门口", "the sub-branch's door"),
    "car_park": Words("停车场", "the car park"),
    "seat": Words("座位旁", "at the seat"),
}


def seeing_off_places(tier: str, bank: Bank) -> tuple[str, ...]:
    """R11: platinum to the wealth room's or the sub-branch's door; diamond+ to the sub-branch's door or the car park."""
    if bank.at_least(tier, "diamond"):
        return ("branch_door", "car_park")
    if bank.at_least(tier, "platinum"):
        return ("wealth_room", "branch_door")
    return ()


def _seeing_off(tier: str, bank: Bank) -> tuple[Item, ...]:
    places = seeing_off_places(tier, bank)
    if not places:
        return ()
    zh = "或".join(PLACES[place].zh for place in places)
    en = " or ".join(PLACES[place].en for place in places)
    return (Item("R11", Words(f"送至{zh}", f"see the guest off to {en}"), choice=True, step=SEEING_OFF),)


def visit(*, tier: str, first: bool, minutes: int, bank: Bank) -> Brief:
    """V1 to V5 for one visit."""
    before = [
        Item("V1", Words("时间、地点已与客户约定", "time and place agreed with the customer"), "agreed"),
        Item("V4", Words("目的明确，资料随身", "purpose clear, material at hand"), "material"),
        Item(
            "V2",
            Words(
                f"提前 {bank.arrival_target} 分钟到门口，不早不晚",
                f"at the door {bank.arrival_target} minutes before, neither too early nor late",
            ),
        ),
    ]
    during = [
        Item(
            "V4",
            Words(
                f"注重效率，不多打扰，计划 {minutes} 分钟", f"be efficient, do not impose: {minutes} minutes planned"
            ),
            step=TIME,
        ),
        Item(
            "V7",
            Words("客户提的要求记下来，次日答复", "write down what the customer asks for; it is answered the next day"),
            step=ASKED,
        ),
    ]
    if first:
        during.insert(
            0,
            Item(
                "R3",
                Words(
                    "首次见面：自我介绍，双手递名片", "First meeting: introduce yourself, hand the card with both hands"
                ),
                "card",
                step=GREETING,
            ),
        )
    thanks = Words("当晚短信致谢", "thank by SMS the same evening")
    if first:
        thanks = Words(
            "当晚短信致谢，并介绍自己是专属客户经理",
            "thank by SMS the same evening, introducing yourself as the customer's own manager",
        )
    elif bank.at_least(tier, "diamond"):
        thanks = Words("当晚电话或短信致谢", "thank by call or SMS the same evening")
    return Brief(tuple(before), tuple(during), (Item("V5", thanks),))


def call(*, purpose: str, first: bool, address: str, bank_name: str, rm: str, about: Words | None, bank: Bank,
         stands_in_for: str = "") -> Brief:  # fmt: skip
    """C1, C2, C7, C9: the call sheet with its script; a first call greets, introduces and shows no product.

    `stands_in_for`: the customer's own RM, whom somebody else speaks for and never claims to be.
    """
    before = (
        Item("C1", Words("目的与要点备好", "purpose and content ready"), "purpose"),
        Item("C1", Words("基本情况、资产、称谓已看", "basics, assets and form of address read"), "basics"),
    )
    during: tuple[Item, ...] = (
        Item(
            "C2",
            Words(
                "语速平稳，声音亲切；先称呼，再自报家门",
                "even pace, pleasant voice; address the customer, then introduce yourself",
            ),
            step=VOICE,
        ),
    )
    if first:
        during += (Item("C9", Words("首次通话：不谈任何产品", "first call: no product at all"), step=MATTER),)
    else:
        during += (
            Item(
                "C7",
                Words("简短；产品不细讲，邀请来行面谈", "short; no product in detail, invite to the bank"),
                step=MATTER,
            ),
        )
    return Brief(before, during, (), _script(purpose, first, address, bank_name, rm, about, stands_in_for))


def _script(
    purpose: str, first: bool, address: str, bank_name: str, rm: str, about: Words | None, stands_in_for: str
) -> tuple[Line, ...]:
    hello = Line(
        Words(f"{address}，您好，我是{bank_name}的{rm}。", f"Good day, {address}. This is {rm} of {bank_name}."),
        clause="C2",
    )
    if stands_in_for:
        said = Words(
            f"{address}，您好，我是{bank_name}的{rm}，受您的客户经理{stands_in_for}委托给您来电。",
            f"Good day, {address}. This is {rm} of {bank_name}, calling for your own manager {stands_in_for}.",
        )
        hello = Line(said, clause="C2")
    time = Line(
        Words("现在方便说一分钟吗？", "Is this a good moment for a minute?"),
        Words("忙：致歉，问何时方便，选“忙”", "Busy: apologise, ask when a call suits, choose “busy”"),
        "C4",
    )
    if first:
        return (
            hello,
            time,
            Line(
                Words(
                    "我是您的专属客户经理，以后有什么事直接找我就好。",
                    "I am your own manager. Whatever it is, come to me directly.",
                ),
                Words("只问候、介绍，不谈产品", "A greeting and an introduction, no product"),
                "C9",
            ),
            Line(Words("稍后我把联系方式发短信给您。", "I will send you my number by SMS in a moment."), clause="C10"),
        )
    middle = SCRIPTS.get(purpose, SCRIPTS["other"])
    filled = Words(middle.zh.format(about=about.zh if about else ""), middle.en.format(about=about.en if about else ""))
    return (
        hello,
        time,
        Line(filled, Words("只提一句，不讲细节", "One sentence, no detail"), "C7"),
        Line(
            Words(
                "哪天您方便，来行里坐坐，我当面说给您听？", "When would it suit you to drop in, so that I can show you?"
            ),
            Words("答应：记下邀约，转为来行预约", "Accepted: note it, it becomes an appointment"),
            "C7",
        ),
    )


SCRIPTS: Mapping[str, Words] = {
    "call_back": Words(
        "上次您说这个时间方便，我按约给您回电。{about}",
        "You said this would be a good time, so I am calling back as agreed. {about}",
    ),
    "maturity": Words(
        "您有一笔资金快到期了，我先跟您说一声。{about}",
        "Some of your funds mature soon, and I wanted you to know. {about}",
    ),
    "need": Words(
        "上次您提到的事，我有进展跟您说。{about}", "There is news about what you mentioned last time. {about}"
    ),
    "invitation": Words("想请您来行里坐坐。{about}", "I would like to invite you to the bank. {about}"),
    "care": Words(
        "有一阵没联系了，问候您一声，近来都好吧？{about}", "It has been a while; I wanted to ask how you are. {about}"
    ),
    "birthday": Words(
        "今天是您的生日，祝您生日快乐，身体健康！", "It is your birthday today: many happy returns, and good health!"
    ),
    "thanks": Words("谢谢您抽时间见我。{about}", "Thank you for your time today. {about}"),
    "answer": Words("您上次问的事，给您回话。{about}", "I am calling with the answer you asked for. {about}"),
    "service": Words("有一件服务上的事跟您说明。{about}", "There is a service matter to tell you about. {about}"),
    "other": Words("{about}", "{about}"),
}
