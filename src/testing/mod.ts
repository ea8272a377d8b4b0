/**
 * Tests of programs with `deno test`: on this machine, and on a cluster whose nodes fail.
 *
 * {@linkcode runProgram} runs a program to its end; {@linkcode TestCluster} is a cluster on loopback, of
 * real `fabric` processes, to which programs are deployed. Both give what a run did as data, and fail the
 * test if something is left of it. They need Linux, the permissions of `deno test -A`, no root, and no
 * network but loopback.
 *
 * @example
 * ```ts ignore
 * import { runProgram, TestCluster } from "deploy/testing";
 *
 * const program = new URL("./main.ts", import.meta.url);
 *
 * Deno.test("it counts", async () => {
 *   const { code, stdout } = await runProgram(program, { args: ["8"] });
 *   if (code !== 0 || stdout !== "8\n") throw new Error(stdout);
 * });
 *
 * Deno.test("it survives a node", async () => {
 *   await using cluster = await TestCluster.start({ nodes: 3, mem: "1GiB", cpu: 2 });
 *   await using run = await cluster.deploy(program);
 *   await run.output(/ready/);
 *   await cluster.node(2).kill();
 *   const { code } = await run.ended;
 *   if (code !== 0) throw new Error(`exit code ${code}`);
 * });
 * ```
 *
 * @module
 */

export { runProgram, type RunProgramOptions } from "./run_program.ts";
export { type ProgramOptions, ProgramRun, type RunResult } from "./program_run.ts";
export { type DeployOptions, TestCluster, type TestClusterOptions } from "./test_cluster.ts";
export { TestNode } from "./test_node.ts";
export { Chaos, type ChaosOptions, type Fault, type FaultKind } from "./chaos.ts";
export { LeftoverError, type Leftovers } from "./leftovers.ts";
export type { ExitStatus } from "../core/exit_status.ts";
export type { Pid } from "../core/pid.ts";
export type { OutputMatch, ProcessRecord, ProcessSoFar, ProgramEvent } from "./events.ts";
