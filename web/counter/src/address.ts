// Which counter the page is about: `?counter=name` in the address, else the one that all share.
// Pure.

export interface Address {
  name: string | null; // null: the shared counter
  path: string; // of its HTTP interface
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Null if no counter can have the name. In a URL "." and ".." would not be names at all. */
export function parseAddress(search: string): Address | null {
  const name = new URLSearchParams(search).get("counter");
  if (name === null) return { name, path: "/api/counter" };
  if (!NAME.test(name) || name === "." || name === "..") return null;
  return { name, path: `/api/counters/${name}` };
}
