/** The variable by which a compiled `fabric` starts a process of a program. */

/**
 * Tells a compiled `fabric` to run only the bundle at this path. See fabric.ts, which loads this module for every
 * process: it imports nothing.
 */
export const BUNDLE_VARIABLE = "DEPLOY_BUNDLE";
