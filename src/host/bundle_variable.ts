/** The variables by which a compiled `fabric` starts a process of a program. */

/**
 * Tells a compiled `fabric` to run only the bundle at this path. See fabric.ts, which loads this module for every
 * process: it imports nothing.
 */
export const BUNDLE_VARIABLE = "DEPLOY_BUNDLE";

/** Tells it which permissions to give up first: names with commas between them. */
export const REVOKED_VARIABLE = "DEPLOY_REVOKED";
