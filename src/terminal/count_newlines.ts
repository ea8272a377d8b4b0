/** Counts newlines, four bytes at a time: every byte of a program's output is looked at here. */

const NEWLINE = 0x0a;
const WORD_BYTES = 4;

/** How many newlines `bytes` has. */
export function countNewlines(bytes: Uint8Array<ArrayBuffer>): number {
  let count = 0;
  let index = 0;
  const countTo = (end: number): void => {
    for (; index < end; index++) {
      if (bytes[index] === NEWLINE) count++;
    }
  };
  const unaligned = -bytes.byteOffset & (WORD_BYTES - 1);
  countTo(Math.min(unaligned, bytes.length));
  const wordCount = Math.floor((bytes.length - index) / WORD_BYTES);
  // Of no words, the offset may not be one that words can have.
  const words = wordCount === 0
    ? new Int32Array(0)
    : new Int32Array(bytes.buffer, bytes.byteOffset + index, wordCount);
  for (let position = 0; position < words.length; position++) {
    // A byte is 0 where there was a newline.
    const zeros = (words[position] ?? 0) ^ 0x0a0a0a0a;
    // The highest bit of each byte that is 0, and nothing else. No sum is carried into the next byte.
    const marks = ~(((zeros & 0x7f7f7f7f) + 0x7f7f7f7f) | zeros | 0x7f7f7f7f);
    // The product's highest byte is the sum of the four.
    count += Math.imul(marks >>> 7, 0x01010101) >>> 24;
  }
  index += words.length * WORD_BYTES;
  countTo(bytes.length);
  return count;
}
