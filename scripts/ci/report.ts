/** The result of a run of jobs. */

import type { JobResult } from "./job.ts";
import { failureText, readCounts } from "./test_output.ts";

/** Whether everything passed, and the last lines to print. */
export interface Report {
  readonly success: boolean;
  readonly text: string;
}

/**
 * Sums results up. A skipped test is a failure, since CI has everything that tests need. So are the failures
 * in `others`, one line each.
 *
 * A job that is no run of tests, and failed, is named with the command that repeats it: a seed is part of that.
 *
 * The last line is `N passed, N failed`: tests, and jobs that failed without a failed test.
 */
export function report(results: readonly JobResult[], others: readonly string[] = []): Report {
  let [passed, failed] = [0, others.length];
  const parts: string[] = [];
  for (const { job, success, output } of results) {
    const counts = job.tests ? readCounts(output) : undefined;
    passed += counts?.passed ?? 0;
    failed += counts?.failed ?? 0;
    const why = [
      ...(success ? [] : [failureText(output)]),
      ...(success || job.tests ? [] : [`To repeat it: ${job.command.join(" ")}`]),
      ...(job.tests && counts === undefined ? ["It printed no counts of tests."] : []),
      ...(counts !== undefined && counts.ignored > 0
        ? [`It skipped ${counts.ignored} tests.`]
        : []),
    ];
    if (why.length === 0) continue;
    if ((counts?.failed ?? 0) === 0) failed++;
    parts.push(`── failed: ${job.name}\n${why.join("\n")}\n`);
  }
  parts.push(...others.map((line) => `── failed: ${line}\n`));
  parts.push(`${passed} passed, ${failed} failed`);
  return { success: failed === 0, text: parts.join("\n") };
}

/** One line about a job that has ended. */
export function describeResult({ job, success, seconds }: JobResult): string {
  return `── ${job.name}: ${success ? "ok" : "FAILED"} (${seconds.toFixed(0)} s)`;
}
