// A gateway by another program: the npm package smpp as SMSC, for one test. It keeps a journal, a JSON line for each PDU that it
// received, on disk before anything is answered; it does as it is told, a JSON line on its input, each answered by a line.
import { openSync, readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import smpp from "smpp";

const given = JSON.parse(process.argv[2]); // journal, key and cert where it is to be encrypted, port where it is to be that one
const behaviour = {
  user: "zhike",
  password: "s3cret8",
  refuse: 0, // this status for a bind
  mute: [], // commands that get no answer
  statuses: [], // for the submit_sms to come, one each; then they are taken
  swallow: 0, // so many submit_sms are taken and not answered
  hangup: 0, // before the answer to the so many-th submit_sm from now
  receipts: "after", // before, after, twice, never, unknown
  stat: "DELIVRD",
  state: 2, // message_state, with receipted_message_id; 0: the text alone
  ids: "same", // hex: answers hexadecimal, receipts' texts decimal
};

const journal = openSync(given.journal, "a");
const counts = {};
const awaited = [];
let lines = [];
let taken = Number(given.first ?? 1);
const sessions = new Set();
const owed = new Map(); // deliver_sms that nobody has acknowledged: told again at the next bind
let tellings = 0;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function keep(entry) {
  counts[entry.command] = (counts[entry.command] ?? 0) + 1;
  lines.push(JSON.stringify(entry));
}

function flush() {
  if (lines.length) writeSync(journal, `${lines.join("\n")}\n`);
  lines = [];
  for (const waiting of awaited.splice(0)) {
    if ((counts[waiting.command] ?? 0) >= waiting.count) {
      clearTimeout(waiting.over);
      say({ counts });
    } else awaited.push(waiting);
  }
}

// Given up after half a minute, so that a test fails instead of waiting for ever.
function wait(waiting) {
  waiting.over = setTimeout(() => {
    awaited.splice(awaited.indexOf(waiting), 1);
    say({ missing: waiting.command, counts });
  }, 30_000);
  awaited.push(waiting);
  flush();
}

// What is said in answer to one reading leaves in one write, behind the journal.
function gather(session) {
  if (session.gathering) return;
  session.gathering = true;
  session.socket.cork();
  process.nextTick(() => {
    session.gathering = false;
    flush();
    session.socket.uncork();
  });
}

function tell(session, key) {
  session.deliver_sm({ ...owed.get(key) }, (answer) => {
    gather(session);
    keep({ command: "deliver_sm_resp", sequence: answer.sequence_number, status: answer.command_status, key });
    owed.delete(key);
  });
}

function owe(pdu) {
  const key = ++tellings;
  owed.set(key, pdu);
  for (const session of sessions) if (session.receives) tell(session, key);
}

function receipt(pdu, id) {
  const named = behaviour.receipts === "unknown" ? "ffffffff" : behaviour.ids === "hex" ? String(id) : id.toString(16);
  const fields = behaviour.state ? { message_state: behaviour.state, receipted_message_id: id.toString(16) } : {};
  if (behaviour.receipts === "unknown") delete fields.receipted_message_id;
  return {
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    data_coding: 0,
    short_message: Buffer.from(
      `id:${named} sub:001 dlvrd:001 submit date:2602161455 done date:2602161456 stat:${behaviour.stat} err:${behaviour.stat === "DELIVRD" ? "000" : "027"} text:stat:NONE`,
    ),
    ...fields,
  };
}

const shown = (message) => (Buffer.isBuffer(message) ? message.toString("latin1") : message);

function submitted(session, pdu) {
  const status = behaviour.statuses.length ? behaviour.statuses.shift() : 0;
  const id = status ? 0 : taken++;
  const udh = pdu.short_message.udh ?? [];
  keep({
    command: "submit_sm",
    session: session.number,
    sequence: pdu.sequence_number,
    status,
    id: id.toString(16),
    source: pdu.source_addr,
    source_kind: [pdu.source_addr_ton, pdu.source_addr_npi],
    to: pdu.destination_addr,
    to_kind: [pdu.dest_addr_ton, pdu.dest_addr_npi],
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    udh: Buffer.concat(udh).toString("hex"),
    payload: "message_payload" in pdu,
    text: shown((pdu.message_payload ?? pdu.short_message).message),
  });
  if (behaviour.hangup && --behaviour.hangup === 0) {
    flush();
    session.socket.destroy();
    return;
  }
  const told = status ? "never" : behaviour.receipts;
  if (told === "before") owe(receipt(pdu, id));
  if (behaviour.swallow) behaviour.swallow--;
  else session.send(pdu.response({ command_status: status, message_id: id.toString(16) }));
  if (told === "after" || told === "unknown") owe(receipt(pdu, id));
  if (told === "twice") [1, 2].forEach(() => owe(receipt(pdu, id)));
}

let numbered = 0;
const options = given.cert ? { key: readFileSync(given.key), cert: readFileSync(given.cert) } : {};
const server = smpp.createServer(options, (session) => {
  session.number = ++numbered;
  sessions.add(session);
  session.on("error", () => session.socket.destroy());
  session.on("close", () => {
    sessions.delete(session);
    keep({ command: "close", session: session.number });
    flush();
  });
  session.on("pdu", (pdu) => {
    gather(session);
    if (pdu.command === "submit_sm") return submitted(session, pdu);
    if (pdu.command === "deliver_sm_resp") return undefined; // kept where it is awaited
    const bind = pdu.command.startsWith("bind_");
    keep({ command: pdu.command, session: session.number, sequence: pdu.sequence_number, status: pdu.command_status });
    if (pdu.isResponse() || behaviour.mute.includes(pdu.command)) return undefined;
    if (!bind) return session.send(pdu.response());
    const status =
      behaviour.refuse || (pdu.system_id !== behaviour.user ? 0x0f : pdu.password !== behaviour.password ? 0x0e : 0);
    session.send(pdu.response({ command_status: status, system_id: "SMSC" }));
    if (status) return session.close();
    session.receives = pdu.command !== "bind_transmitter";
    if (session.receives) for (const key of owed.keys()) tell(session, key);
    return undefined;
  });
});
server.on("tlsClientError", () => {});
server.listen(given.port ?? 0, "127.0.0.1", () => say({ port: server.address().port }));

const commands = {
  set: (changes) => Object.assign(behaviour, changes),
  deliver: (pdus) => {
    for (const { hex, payload, ...fields } of pdus) {
      const message = Buffer.from(hex ?? "", "hex");
      owe({ ...fields, short_message: payload ? Buffer.alloc(0) : message, ...(payload && { message_payload: message }) });
    }
  },
  raw: (hex) => sessions.forEach((session) => session.socket.write(Buffer.from(hex, "hex"))),
  enquire: () => sessions.forEach((session) => session.enquire_link()),
  unbind: () => sessions.forEach((session) => session.unbind()),
  drop: () => sessions.forEach((session) => session.socket.destroy()),
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [[name, value]] = Object.entries(JSON.parse(line));
    if (name === "await") return wait(value);
    commands[name](value);
    return say({ done: name });
  })
  .on("close", () => process.exit());
