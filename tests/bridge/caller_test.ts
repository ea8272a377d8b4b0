/** Who may do what at a bridge. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Caller,
  didLine,
  nameOf,
  whyNotControl,
  whyNotDeploy,
} from "../../src/bridge/caller.ts";

const ANNA: Caller = { remote: "10.0.0.7:1234", invited: "anna" };
const BEN: Caller = { remote: "10.0.0.8:1234", invited: "ben" };
const HOLDER: Caller = { remote: "10.0.0.9:1234", invited: undefined };

Deno.test("who has an invitation is called by the name in it, whatever they say", () => {
  assertEquals(nameOf(ANNA, "ben@laptop"), "anna");
  assertEquals(nameOf(HOLDER, "me@laptop"), "me@laptop");
  assertEquals(nameOf(HOLDER, "anna"), "anna@", "nobody is taken for somebody with an invitation");
  assertEquals(
    didLine(ANNA, "ben@laptop", "deployed run bafo-kine (main.ts)"),
    "anna at 10.0.0.7:1234 deployed run bafo-kine (main.ts)",
  );
});

Deno.test("each person may have so many runs at a time", () => {
  const of = (by: string, endedMs: number | null = null) => ({ id: `${by}-run`, by, endedMs });
  const runs = [of("anna"), of("ben"), of("anna", 1), of("me@laptop")];
  assertEquals(whyNotDeploy("anna", runs, 2), undefined);
  assertEquals(whyNotDeploy("carl", runs, 1), undefined);
  assertEquals(
    whyNotDeploy("anna", runs, 1),
    "anna has one run already, as many as this cluster allows each at a time: wait, or end one, such as anna-run: " +
      "deploy kill anna-run",
  );
  assertStringIncludes(
    whyNotDeploy("anna", [...runs, of("anna")], 2) ?? "",
    "anna has 2 runs already",
  );
});

Deno.test("a run is controlled by who deployed it, and by holders of the secret", () => {
  const run = { id: "bafo-kine", name: "main.ts", by: "anna" };
  assertEquals(whyNotControl(run, ANNA), undefined);
  assertEquals(whyNotControl(run, HOLDER), undefined);
  assertStringIncludes(
    whyNotControl(run, BEN) ?? "",
    "run bafo-kine (main.ts) was deployed by anna",
  );
  assertStringIncludes(whyNotControl({ ...run, by: "me@laptop" }, ANNA) ?? "", "me@laptop");
});
