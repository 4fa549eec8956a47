// What ical.js, an independent reader, makes of a calendar: each entry with its times in UTC, its alarms as moments.
import ICAL from "ical.js";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const calendar = new ICAL.Component(ICAL.parse(Buffer.concat(chunks).toString("utf8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);

const moment = (time) => (time.isDate ? time.toString() : time.toJSDate().toISOString().replace(".000Z", "Z"));
const told = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component, { strictExceptions: true });
  const alarms = component.getAllSubcomponents("valarm").map((alarm) => {
    const at = event.startDate.clone();
    at.addDuration(alarm.getFirstPropertyValue("trigger"));
    return moment(at);
  });
  const value = (name) => component.getFirstPropertyValue(name)?.toString() ?? "";
  return {
    uid: event.uid,
    begins: moment(event.startDate),
    ends: moment(event.endDate),
    says: event.summary,
    status: value("status"),
    number: event.sequence,
    place: event.location ?? "",
    stamp: value("dtstamp"),
    alarms: alarms.sort(),
  };
});
process.stdout.write(JSON.stringify(told));
