// What lies on this device while the server does not have it yet: sealed (AES-GCM) under keys that the server gives to the
// signed-in person's page alone, one drawer a person and thing. Whoever signs in next finds nothing, and could read nothing.
import { now } from "./words.js";

const DRAFT = "zhike:draft:";
const FORM = "zhike:form:";
const WEEK = 7 * 86400000;

const encoded = (text) => new TextEncoder().encode(text);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const letters = (data) => btoa(Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join(""));

export class Drawer {
  // keys: "k2:base64 k1:base64", the first seals, all open. Without a secure context (https, localhost) a browser seals
  // nothing: then nothing is laid down either, and `lasts` says so.
  constructor(whose, what, keys) {
    this.name = `${DRAFT}${whose}:${what}`;
    this.keys = new Map(keys.split(" ").map((each) => each.split(":")));
    this.lasts = Boolean(globalThis.crypto?.subtle);
    this.holds = false;
    this.turn = 0;
  }

  async keep(values) {
    const turn = ++this.turn;
    const at = now();
    this.holds = true;
    if (!this.lasts) return;
    const [id] = this.keys.keys();
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt(this.#for(iv), await this.#key(id), encoded(JSON.stringify(values)));
    if (turn !== this.turn) return; // typed on, or taken out, meanwhile
    try {
      localStorage.setItem(this.name, JSON.stringify({ at, id, iv: letters(iv), sealed: letters(sealed) }));
    } catch {
      // A full or closed store leaves the server's copy.
    }
  }

  // What was kept, as {at, values}; null where there is nothing, or nothing that these keys open.
  async open() {
    try {
      const { at, id, iv, sealed } = JSON.parse(localStorage.getItem(this.name) ?? "null") ?? {};
      if (!sealed) return null;
      const plain = await crypto.subtle.decrypt(this.#for(bytes(iv)), await this.#key(id), bytes(sealed));
      this.holds = true;
      return { at, values: JSON.parse(new TextDecoder().decode(plain)) };
    } catch {
      this.drop();
      return null;
    }
  }

  drop() {
    this.turn += 1;
    this.holds = false;
    try {
      localStorage.removeItem(this.name);
    } catch {
      // no store, nothing kept
    }
  }

  #for(iv) {
    return { name: "AES-GCM", iv, additionalData: encoded(this.name) };
  }

  #key(id) {
    return crypto.subtle.importKey("raw", bytes(this.keys.get(id)), "AES-GCM", false, ["encrypt", "decrypt"]);
  }
}

// Takes everything off the device that is not `whose`; without a name, everything. What is older than a week goes as well.
export function forget(whose = "") {
  for (const store of [() => localStorage, () => sessionStorage]) {
    try {
      for (const name of Object.keys(store())) {
        const front = [DRAFT, FORM].find((each) => name.startsWith(each));
        if (front && !(whose && name.startsWith(`${front}${whose}:`) && fresh(store().getItem(name)))) store().removeItem(name);
      }
    } catch {
      // no store, nothing kept
    }
  }
}

function fresh(kept) {
  try {
    return now() - JSON.parse(kept).at < WEEK;
  } catch {
    return false;
  }
}
