"""Facts: what happened. And the case: what else must be known to say what is owed because of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from zhike.conduct.words import Words

Grade = Literal["observed", "tapped", "entered"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact: its name on screen and the data that it must carry."""

    words: Words
    carries: tuple[str, ...] = ()


# What each `data` name means: `first`: a first meeting or call; `connected`: the customer was spoken to; `target`: an
# agreed moment (ISO 8601 with offset); `whose`: "rm" or "customer"; `who`: a prospect's name; `step`: which of a prospect's next steps;
# `talked`: whether it was a talk and not a message; `does`: whether it was the next step.
KINDS: dict[str, Kind] = {
    "reception_ended": Kind(Words("接待结束", "a reception ended"), ("first", "missing")),
    "visit_ended": Kind(Words("拜访结束", "a visit ended"), ("first",)),
    "call_ended": Kind(Words("通话结束", "a call ended"), ("first", "outcome", "incoming")),
    "visit_agreed": Kind(Words("约定拜访", "a visit was agreed"), ("target",)),
    "arrived": Kind(Words("到达门口", "arrived at the door")),
    "visit_called_off": Kind(Words("拜访取消或改期", "a visit was cancelled or moved"), ("whose", "told")),
    "customer_told": Kind(Words("已告知客户并致歉", "the customer was told"), ("how", "apologised")),
    "call_back_promised": Kind(Words("约定回电", "a call-back was promised"), ("target", "outcome")),
    "call_back_missed": Kind(Words("约定回电过时未打", "a promised call-back was missed"), ("target", "words")),
    "demand_raised": Kind(Words("客户提出要求", "the customer raised a demand"), ("words", "occasion")),
    "promise_made": Kind(Words("作出承诺", "a promise was made"), ("words",)),
    "request_refused": Kind(Words("请求未答应", "a request was refused"), ("words", "reason")),
    "assigned": Kind(Words("领导交办", "something was assigned"), ("words", "target")),
    "assignment_taken_on": Kind(Words("接受交办", "an assignment was taken on"), ("words", "target")),
    "assignment_asked": Kind(Words("反问交办", "an assignment was asked about")),
    "assignment_answered": Kind(
        Words("领导答复交办", "the question about an assignment was answered"), ("words", "target")
    ),
    "assignment_laid_before": Kind(Words("交领导看", "it was laid before the leader"), ("words", "asks")),
    "assignment_looked_at": Kind(Words("领导已看", "the leader has looked at it")),
    "assignment_done": Kind(Words("交办已认可", "an assignment was accepted as done"), ("words", "how")),
    "assignment_called_off": Kind(Words("交办取消", "an assignment was called off")),
    "answered": Kind(Words("已答复", "an answer was given"), ("words", "how")),
    "written_up": Kind(Words("联系记录完成", "the write-up was closed")),
    "field_missing": Kind(Words("资料缺项", "something about the customer is missing"), ("field",)),
    "field_learned": Kind(Words("了解到资料", "something was learned"), ("field",)),
    "reply_received": Kind(Words("客户来短信", "the customer wrote"), ("words",)),
    "rated_low": Kind(Words("客户不满意", "the customer is not content"), ("rating", "words")),
    "message_sent": Kind(Words("已发消息", "a message was sent"), ("purpose", "channel")),
    "festival_near": Kind(Words("节日将近", "a festival is coming"), ("festival", "festival_en", "target")),
    "greetings_arranged": Kind(Words("节日问候已安排", "a festival's greetings were arranged")),
    "campaign_started": Kind(Words("营销活动开始", "a campaign was started"), ("campaign", "product", "target")),
    "campaign_forwarded": Kind(Words("营销短信已转发", "a campaign was forwarded")),
    "outing_reported": Kind(Words("外出报备", "an outing was reported"), ("departs", "target", "stops")),
    "outing_extended": Kind(Words("外出延长", "an outing was extended")),
    "outing_called_off": Kind(Words("外出取消", "an outing was called off")),
    "outing_overdue": Kind(Words("外出逾时未返回", "somebody is not back in time"), ("target", "words")),
    "outing_returned": Kind(Words("外出返回签到", "back from an outing")),
    "outing_told": Kind(Words("外出汇报完成", "an outing was reported on")),
    "stop_reached": Kind(Words("外出到点签到", "a stop of an outing was reached")),
    "help_asked": Kind(Words("外出中求助", "help was asked for"), ("target", "words", "who")),
    "help_answered": Kind(Words("求助已答复", "a request for help was answered"), ("words",)),
    "delivery_owed": Kind(Words("有单据待送达", "something is to be delivered"), ("words", "who", "target")),
    "delivered": Kind(Words("已送达", "it was delivered"), ("words", "how")),
    "delivery_called_off": Kind(Words("送达取消", "a delivery was called off")),
    "prospect_step_set": Kind(
        Words("定下潜在客户的下一步", "a next step with a prospect was set"), ("words", "who", "target", "step")
    ),
    "prospect_idle": Kind(
        Words("潜在客户久未联系", "a prospect was not contacted for long"), ("who", "days", "target")
    ),
    "prospect_contacted": Kind(Words("联系了潜在客户", "a prospect was contacted"), ("how", "words", "talked", "does")),
    "prospect_left": Kind(Words("潜在客户离手", "a prospect is no longer worked on"), ("why",)),
    "note_routed": Kind(Words("收到报送的市场信息", "a market note was passed on"), ("words", "who")),
    "note_answered": Kind(Words("已答复市场信息", "a market note was answered"), ("words", "how")),
    "note_answer_came": Kind(Words("报送的信息有了答复", "the answer to a note came"), ("words", "who", "how")),
    "note_answer_seen": Kind(Words("已看答复", "the answer was read")),
    "code_in_force": Kind(Words("规范新版生效", "a version of the code is in force"), ("version",)),
    "code_acknowledged": Kind(Words("已读并遵守规范", "the code was read and acknowledged"), ("version",)),
    "plan_due": Kind(Words("该定计划", "a plan is to be made"), ("period", "first_day", "last_day")),
    "plan_fixed": Kind(Words("计划已定", "a plan was fixed")),
    "planned": Kind(Words("列入计划", "something was put on a plan"), ("words", "words_en", "target")),
    "planned_done": Kind(Words("计划事项已办", "what was planned was done"), ("words",)),
    "planned_off": Kind(Words("计划事项不办了", "what was planned was called off"), ("why",)),
    "plan_commented": Kind(Words("计划有批注", "a plan was commented on"), ("words", "who")),
    "plan_comment_seen": Kind(Words("已看批注", "the comment was read")),
    "birthday": Kind(Words("客户生日", "the customer's birthday"), ("day",)),
    "contact_overdue": Kind(Words("联系频次到期", "a contact is due by rhythm"), ("since", "days", "target")),
    "meeting_overdue": Kind(Words("面访频次到期", "a meeting is due by rhythm"), ("since", "days", "target")),
    "customer_stopped": Kind(Words("停止联系", "contact with the customer stops"), ("stop",)),
    "customer_resumed": Kind(Words("恢复联系", "contact with the customer goes on"), ("stop", "reason")),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened at `at` (aware), known from `known_at` on, to a customer, and whose duty (`staff`) it touches.

    `subject` says what it is about ("contact:12", "demand:7"). Raises ValueError for an unknown kind, missing data or a
    time without a zone: a fact that says too little must not be kept.
    """

    kind: str
    at: datetime
    known_at: datetime
    staff: int
    customer: int | None = None
    subject: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    grade: Grade = "tapped"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"The engine knows no fact named {self.kind!r}.")
        lacking = [name for name in KINDS[self.kind].carries if name not in self.data]
        if lacking:
            raise ValueError(f"A fact {self.kind!r} must say {', '.join(lacking)}.")
        if self.at.tzinfo is None or self.known_at.tzinfo is None:
            raise ValueError("A fact's times need a zone.")

    @property
    def target(self) -> datetime:
        """The agreed moment that the fact carries."""
        return datetime.fromisoformat(self.data["target"])

    @property
    def started(self) -> datetime | None:
        """When the contact began of which the fact tells the end."""
        return datetime.fromisoformat(self.data["started"]) if "started" in self.data else None


@dataclass(frozen=True, slots=True)
class Person:
    """What the engine knows of a customer, as of the fact: the tier that counts, how to reach them, what stops contact."""

    id: int
    tier: str
    kind: Literal["person", "company"] = "person"
    has_mobile: bool = True
    has_other_phone: bool = False
    greets_by_sms: bool = False  # the customer consented to greetings by SMS, and did not take it back
    deceased_on: date | None = None
    closed_on: date | None = None
    do_not_disturb: bool = False
    complaint_open: bool = False

    @property
    def stopped(self) -> str | None:
        """What stops greetings, campaigns and rhythm (CLAUSES, Stops); `deceased` stops everything."""
        if self.deceased_on:
            return "deceased"
        if self.closed_on:
            return "closed"
        if self.do_not_disturb:
            return "do_not_disturb"
        return "complaint" if self.complaint_open else None


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation in the ledger, as the engine sees it when a fact may settle it."""

    id: int
    kind: str
    clause: str
    owner: int
    customer: int | None
    subject: str
    opens: datetime
    due: datetime | None
    target: datetime | None
    channels: tuple[str, ...]
    detail: Mapping[str, Any]
    key: str = ""
    state: str = "open"
    due_counts: bool = False  # the moment of `due` itself is still in time


@dataclass(frozen=True, slots=True)
class Case:
    """All that the engine may look at beside the fact: loaded in a fixed number of queries, whatever the fact."""

    person: Person | None
    owed: tuple[Owed, ...] = ()
