/**
 * Calls that run on a set of processes: a {@linkcode Pool} of them runs {@linkcode task | tasks}.
 *
 * @example
 * ```ts ignore
 * import { init } from "deploy";
 * import { Pool, task } from "deploy/pool";
 *
 * const square = task("square", (n: number) => n * n);
 * await init();
 *
 * await using pool = await Pool.start({ size: 2 });
 * console.log(await pool.run(square, 7)); // 49
 * for await (const result of pool.map(square, [1, 2, 3])) console.log(result); // 1, 4, 9
 * ```
 *
 * @module
 */

export { Pool, type PoolOptions, type RunOptions } from "./pool.ts";
export { PoolError } from "./pool_error.ts";
export { type Task, task, type TaskContext } from "./task.ts";

export type { ExitStatus, Resources } from "../../mod.ts";
