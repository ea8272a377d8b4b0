/** Who is let in by a dashboard, and who is not. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Admitted,
  answerHeaders,
  Doorman,
  type Knock,
} from "../../src/dashboard/admission.ts";

const HOST = "127.0.0.1:4100";

/** A doorman whose secrets are `secret-0`, `secret-1` and so on. The first is that of the link. */
function doorman(): Doorman {
  let count = 0;
  return new Doorman(4100, () => `secret-${count++}`);
}

function knock(path: string, changes: Partial<Knock> = {}): Knock {
  const url = new URL(path, `http://${HOST}`);
  return {
    method: "GET",
    url,
    host: HOST,
    origin: null,
    cookie: null,
    upgrades: false,
    ...changes,
  };
}

/** Goes in by the link; gives the cookie as a browser sends it. */
function enter(by: Doorman, path = "/?token=secret-0"): string {
  const admitted = by.admit(knock(path), true);
  assert(admitted.kind === "enter");
  return admitted.cookie.split(";")[0]!;
}

function statusOf(admitted: Admitted): number {
  return admitted.kind === "refuse" ? admitted.status : 0;
}

Deno.test("a link lets one browser in, and another one works afterwards", () => {
  const by = doorman();
  assertEquals(by.link, `http://${HOST}/?token=secret-0`);
  const admitted = by.admit(knock("/runs/bafo-kine?token=secret-0"), true);
  assertEquals(admitted, {
    kind: "enter",
    location: "/runs/bafo-kine",
    cookie: "deploy-dashboard-4100=secret-2; Path=/; HttpOnly; SameSite=Strict",
  });
  assertEquals(statusOf(by.admit(knock("/?token=secret-0"), true)), 403);
  assertEquals(by.link, `http://${HOST}/?token=secret-1`);
  const cookie = enter(by, "/?token=secret-1");
  assertEquals(by.admit(knock("/", { cookie }), true), { kind: "serve", path: "/" });
  // The browser comes back by the link that let it in.
  assertEquals(by.admit(knock("/runs/x?token=secret-1", { cookie }), true), {
    ...{ kind: "enter", location: "/runs/x", cookie: "" },
  });
});

Deno.test("a link leads to no other site", () => {
  for (const path of ["//evil.example/?token=secret-0", "/\\evil.example/?token=secret-0"]) {
    const admitted = doorman().admit(knock(`http://${HOST}${path}`), true);
    assert(admitted.kind === "enter");
    assertEquals(new URL(admitted.location, `http://${HOST}/`).host, HOST);
  }
});

Deno.test("who has no cookie of this dashboard is refused", () => {
  const by = doorman();
  const cookie = enter(by);
  const others = [
    null,
    "",
    "deploy-dashboard-4100=",
    "deploy-dashboard-4100=secret-1",
    cookie.replace("4100", "4101"),
    `x${cookie}`,
  ];
  for (const other of others) {
    assertEquals(statusOf(by.admit(knock("/", { cookie: other }), true)), 403);
  }
  assertEquals(by.admit(knock("/", { cookie: `a=b; ${cookie}` }), true).kind, "serve");
});

Deno.test("names of other machines, other sites and other methods are refused, with a cookie too", () => {
  const by = doorman();
  const cookie = enter(by);
  const table: [Partial<Knock>, number][] = [
    [{ host: "evil.example:4100" }, 421],
    [{ host: "127.0.0.1" }, 421],
    [{ host: "127.0.0.1:4101" }, 421],
    [{ host: null }, 421],
    [{ host: "localhost:4100" }, 0],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: `https://${HOST}` }, 403],
    [{ origin: "http://127.0.0.1:8000" }, 403],
    [{ origin: "http://localhost:4100" }, 403],
    [{ origin: `http://${HOST}` }, 0],
    [{ method: "POST" }, 405],
    [{ method: "OPTIONS" }, 405],
  ];
  for (const [changes, status] of table) {
    assertEquals(statusOf(by.admit(knock("/", { cookie, ...changes }), true)), status);
  }
});

Deno.test("another user of this machine gets in neither with the link nor with the cookie", () => {
  const by = doorman();
  // The words of the command that opens a browser can be seen by all.
  assertEquals(statusOf(by.admit(knock("/?token=secret-0"), false)), 403);
  // The link has not been used.
  const cookie = enter(by);
  assertEquals(statusOf(by.admit(knock("/", { cookie }), false)), 403);
  const asks = { upgrades: true, origin: `http://${HOST}` };
  assertEquals(statusOf(by.admit(knock("/socket", { cookie, ...asks }), false)), 403);
});

Deno.test("only of who shows the link or the cookie it is found out whose it is", () => {
  const by = doorman();
  assertEquals(by.refuses(knock("/"))?.status, 403);
  assertEquals(by.refuses(knock("/?token=secret-0", { host: "evil.example" }))?.status, 421);
  assertEquals(by.refuses(knock("/?token=secret-0")), undefined);
  const cookie = enter(by);
  assertEquals(by.refuses(knock("/?token=secret-0"))?.status, 403);
  assertEquals(by.refuses(knock("/", { cookie })), undefined);
});

Deno.test("a WebSocket needs the cookie and the page's own origin", () => {
  const by = doorman();
  const cookie = enter(by);
  const origin = `http://${HOST}`;
  const admit = (changes: Partial<Knock>) =>
    by.admit(knock("/socket", { upgrades: true, ...changes }), true);
  assertEquals(admit({ cookie, origin }), { kind: "upgrade" });
  assertEquals(statusOf(admit({ origin })), 403);
  assertEquals(statusOf(admit({ cookie, origin: "http://evil.example" })), 403);
  assertEquals(statusOf(admit({ cookie })), 400);
  assertEquals(statusOf(admit({ cookie, origin, upgrades: false })), 400);
});

Deno.test("the page may load and run nothing from elsewhere, and nothing that is written in it", () => {
  const policy = answerHeaders(4100)["content-security-policy"]!;
  assertStringIncludes(policy, "default-src 'none'; script-src 'self'; style-src 'self';");
  assertStringIncludes(policy, "frame-ancestors 'none'");
  assert(!policy.includes("unsafe"));
});
