/**
 * Where things lie in the folder that a run has on each node:
 *
 *     main.js, deploy-runtime-….js    the program's code
 *     certificates.pem                what --cert named, if it was given
 *     work/                           the project: the root of what is mirrored
 *     work/src/                       for example: the working directory of the program
 *     tmp/, deno/                     its temporary files and those of Deno, if they are to lie here
 *
 * The code lies outside of the project, so the program sees in its project only what it would see on the
 * machine that it was deployed from.
 */

/** The name of the folder with the mirrored project. */
export const PROJECT_FOLDER = "work";

/** The name of the file with the certificates that the program was given, if it was. */
export const CERTIFICATES_FILE = "certificates.pem";

/** The name of the folder for temporary files, of a program that has one of its own. */
export const TEMPORARY_FOLDER = "tmp";

/** The name of the folder for what Deno keeps, of a program that is limited or runs as another user than its node. */
export const DENO_FOLDER = "deno";

/** The path below a run's folder of something at `path` below the root of its project. */
export function inProject(path: string): string {
  return path === "" ? PROJECT_FOLDER : `${PROJECT_FOLDER}/${path}`;
}
