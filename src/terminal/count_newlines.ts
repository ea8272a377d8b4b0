/** Counts newlines four bytes at a time: every byte of a program's output passes through here. */

const NEWLINE = 0x0a;
const WORD_BYTES = 4;

/** The number of newlines in `bytes`. */
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
  // With no whole words, the offset may not be aligned.
  const words = wordCount === 0
    ? new Int32Array(0)
    : new Int32Array(bytes.buffer, bytes.byteOffset + index, wordCount);
  for (let position = 0; position < words.length; position++) {
    // A byte is 0 where there was a newline.
    const zeros = (words[position] ?? 0) ^ 0x0a0a0a0a;
    // Sets the highest bit of each byte that is 0, and no other bit. No sum carries into the next byte.
    const marks = ~(((zeros & 0x7f7f7f7f) + 0x7f7f7f7f) | zeros | 0x7f7f7f7f);
    // The product's highest byte is the sum of the four.
    count += Math.imul(marks >>> 7, 0x01010101) >>> 24;
  }
  index += words.length * WORD_BYTES;
  countTo(bytes.length);
  return count;
}
