// What the page remembers. Private windows and embedded views may forbid storage: then it forgets.

export class Memory {
  constructor(private readonly storage: () => Storage) {}

  get(name: string): string | null {
    try {
      return this.storage().getItem("pixel-battle." + name);
    } catch {
      return null;
    }
  }

  set(name: string, value: string | null): void {
    try {
      if (value === null) this.storage().removeItem("pixel-battle." + name);
      else this.storage().setItem("pixel-battle." + name, value);
    } catch {
      // Nothing to be done: it is only convenience.
    }
  }
}

/** For this device; for this tab, through a reload. */
export const deviceMemory = new Memory(() => localStorage);
export const tabMemory = new Memory(() => sessionStorage);
