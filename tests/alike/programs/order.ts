// What one process writes to stdout and stderr is shown in the order in which it was written; see ways.ts.

export const prints: readonly string[] = Array.from({ length: 20 }, (_, index) => `out ${index}`);

export default function order(): void {
  for (let index = 0; index < 20; index++) {
    console.log("out", index);
    console.error("err", index);
  }
}
