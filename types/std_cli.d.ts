/** The function of `@std/cli` that this project uses, which its npm build has no types for. */

/** How arguments are read. */
export interface ParseOptions<B extends string, S extends string> {
  /** Options without a value, which are false unless they are given. */
  readonly boolean?: readonly B[];
  /** Options with a value: `--name=value` or `--name value`. */
  readonly string?: readonly S[];
  /** Boolean options that `--no-NAME` sets to false. */
  readonly negatable?: readonly B[];
  readonly default?: Partial<Record<B, boolean> & Record<S, string>>;
  /** Called with each other argument. */
  readonly unknown?: (arg: string) => unknown;
}

/** Reads arguments. An option that is neither given nor has a default is `undefined`. */
export function parseArgs<B extends string = never, S extends string = never>(
  args: readonly string[],
  options: ParseOptions<B, S>,
): Record<B, boolean> & Partial<Record<S, string>>;
