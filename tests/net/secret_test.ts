/** The text of a secret: what is one, and what is not. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { formatSecret, newSecret, parseSecret } from "../../src/net/secret.ts";

Deno.test("a secret is read as it was written", async () => {
  const secret = newSecret();
  const text = await formatSecret(secret);
  assertMatch(text, /^deploy_secret_[0-9a-f]{72}$/);
  assertEquals(await parseSecret(text), secret);
  assertNotEquals(newSecret(), secret);
});

Deno.test("the text of a secret stays the same, so that parts of other versions read it", async () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
  assertEquals(
    await formatSecret(bytes),
    "deploy_secret_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fe0cfaff9",
  );
});

Deno.test("each changed, missing or added character damages a secret", async () => {
  const text = await formatSecret(newSecret());
  const digits = "deploy_secret_".length;
  for (let at = digits; at < text.length; at++) {
    const other = text[at] === "0" ? "1" : "0";
    assertEquals(await parseSecret(text.slice(0, at) + other + text.slice(at + 1)), "damaged");
    assertEquals(await parseSecret(text.slice(0, at) + text.slice(at + 1)), "damaged");
  }
  assertEquals(await parseSecret(`${text}0`), "damaged");
  assertEquals(
    await parseSecret(text.toUpperCase().replace("DEPLOY_SECRET", "deploy_secret")),
    "damaged",
  );
});

Deno.test("what fabric secret did not make is no secret", async () => {
  for (
    const text of ["", "correct horse battery staple", "00".repeat(32), "deploy_secre", "secret"]
  ) {
    assertEquals(await parseSecret(text), "not-made");
  }
});
