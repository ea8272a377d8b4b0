/**
 * Where things lie in the folder that a run has on each node:
 *
 *     main.js, deploy-runtime-….js    the program's code
 *     certificates.pem                what --cert named, if it was given
 *     work/                           the project: the root of what is mirrored
 *     work/src/                       for example: the working directory of the program
 *
 * The code lies outside of the project, so the program sees in its project only what it would see on the
 * machine that it was deployed from.
 */

/** The name of the folder with the mirrored project. */
export const PROJECT_FOLDER = "work";

/** The name of the file with the certificates that the program was given, if it was. */
export const CERTIFICATES_FILE = "certificates.pem";

/** The path below a run's folder of something at `path` below the root of its project. */
export function inProject(path: string): string {
  return path === "" ? PROJECT_FOLDER : `${PROJECT_FOLDER}/${path}`;
}
