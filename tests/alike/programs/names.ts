// Functions and classes have the names of the source.
import * as lib from "./beside/lib.ts";

/** Has the same name as a function of another module. */
function work(): void {}

class TimeoutError extends Error {
  static readonly none = new TimeoutError("none");
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

export const prints: readonly string[] = [
  "work work TimeoutError TimeoutError TimeoutError",
  "TimeoutError: x",
];

export default function names(): void {
  const { none } = TimeoutError;
  const error = new TimeoutError("x");
  console.log(work.name, lib.work.name, TimeoutError.name, none.name, error.constructor.name);
  console.log(`${error}`);
}
