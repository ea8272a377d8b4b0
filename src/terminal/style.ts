/** The colours and other attributes of text that a program has set by `ESC [ … m`. */

/** The attribute that a parameter sets, and the one that ends it. */
const ATTRIBUTES: readonly (readonly [starts: readonly number[], ends: number])[] = [
  [[1, 2], 22],
  [[3], 23],
  [[4, 21], 24],
  [[5, 6], 25],
  [[7], 27],
  [[8], 28],
  [[9], 29],
  [[53], 55],
];

/** The parameters that begin a colour, by the one that ends it. */
const COLORS: Readonly<Record<number, number>> = { 38: 39, 48: 49, 58: 59 };

/** What is set at some point of a stream of text. */
export class Style {
  /** The parameters that are in effect, by those that end them. */
  readonly #set = new Map<string, string>();

  /** Takes the parameters of a sequence: `1;31`. */
  take(parameters: string): void {
    const rest = parameters.split(";");
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const number = next === "" ? 0 : parseInt(next, 10);
      if (number === 0) this.#set.clear();
      else this.#takeOne(number, next, rest);
    }
  }

  /** The sequence that sets all of it anew; empty if nothing is set. */
  get sequence(): string {
    return this.#set.size === 0 ? "" : `\x1b[${[...this.#set.values()].join(";")}m`;
  }

  #takeOne(number: number, text: string, rest: string[]): void {
    const color = COLORS[number];
    if (color !== undefined) {
      // `38:5:n` is one parameter, `38;5;n` are three, `38;2;r;g;b` five.
      const count = text.includes(":") ? 0 : rest[0] === "5" ? 2 : rest[0] === "2" ? 4 : 0;
      this.#set.set(`${color}`, [text, ...rest.splice(0, count)].join(";"));
    } else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) {
      this.#set.set("39", text);
    } else if ((number >= 40 && number <= 47) || (number >= 100 && number <= 107)) {
      this.#set.set("49", text);
    } else {
      this.#takeAttribute(number, text);
    }
  }

  #takeAttribute(number: number, text: string): void {
    const row = ATTRIBUTES.find(([starts]) => starts.includes(number));
    // Bold and faint are two attributes that end together.
    if (row !== undefined) this.#set.set(row[1] === 22 ? `22 ${number}` : `${row[1]}`, text);
    else if (number === 22) { for (const bold of ["22 1", "22 2"]) this.#set.delete(bold); }
    else this.#set.delete(`${number}`);
  }
}
