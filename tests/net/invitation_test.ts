/** Invitations: their text, and their keys. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  formatInvitation,
  inviteKey,
  isInviteName,
  looksInvited,
  parseInvitation,
} from "../../src/net/invitation.ts";
import { newSecret, parseSecret } from "../../src/net/secret.ts";

const authority = crypto.getRandomValues(new Uint8Array(271));

Deno.test("an invitation is read as it was written, and is no secret", async () => {
  const invitation = { name: "anna-2.b", key: newSecret(), authority };
  const text = await formatInvitation(invitation);
  assert(text.startsWith("deploy_invite_anna-2.b_"), text);
  assertEquals(await parseInvitation(text), invitation);
  assertEquals(await parseSecret(text), "not-made");
  assert(looksInvited(text) && !looksInvited("deploy_secret_00"));
});

Deno.test("each changed or missing character damages an invitation, its name too", async () => {
  const text = await formatInvitation({ name: "anna", key: newSecret(), authority });
  for (let at = "deploy_invite_".length; at < text.length; at++) {
    const other = text[at] === "b" ? "c" : "b";
    // The last character has bits that say nothing.
    if (at < text.length - 1) {
      assertEquals(
        await parseInvitation(text.slice(0, at) + other + text.slice(at + 1)),
        undefined,
      );
    }
    assertEquals(await parseInvitation(text.slice(0, at) + text.slice(at + 1)), undefined, `${at}`);
  }
  for (const text of ["", "deploy_invite_", "deploy_invite_anna_", "deploy_invite_anna_AAAA"]) {
    assertEquals(await parseInvitation(text), undefined);
  }
});

Deno.test("the key of an invitation follows from the secret and the name, and tells neither other keys nor the secret", async () => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
  assertEquals(
    (await inviteKey(secret, "anna")).toHex(),
    "97d577fc8ce3c497188841c098b4df652e2cc985a3a2d674911eb13f91390f7f",
  );
  assertNotEquals(await inviteKey(secret, "anna"), await inviteKey(secret, "anne"));
  assertNotEquals(await inviteKey(secret, "anna"), await inviteKey(newSecret(), "anna"));
});

Deno.test("names of invitations have one form, so that each can be denied", () => {
  for (const name of ["a", "anna", "anna-2", "0.x", "a".repeat(32)]) assert(isInviteName(name));
  for (const name of ["", "Anna", "a_b", "a@b", "a b", "-a", ".a", "ä", "a".repeat(33), "a\n"]) {
    assert(!isInviteName(name), name);
  }
});
