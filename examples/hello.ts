/**
 * The smallest program with two processes: the first starts the second, which says hello.
 *
 *     deno task example hello
 *     deno task example hello Ada
 */

import { init, type Pid, pid, shortPid, spawn } from "deploy";

function greet(parent: Pid, name: string) {
  console.log(`Hello ${name}! I am ${shortPid(pid())}, and ${shortPid(parent)} started me.`);
}

await init({ functions: { greet } });

const [name = "world"] = Deno.args;
const child = await spawn(greet, name);
console.log(`I am ${shortPid(pid())}, and I started ${shortPid(child)}.`);
