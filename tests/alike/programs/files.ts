// What is included lies where it lies in the project, as it is: empty folders, links, modes, many files.
// project.ts makes it.

export const prints: readonly string[] = [
  '[ "case", "empty", "link", "long", "many", "script" ] []',
  "700 script script ran",
  "",
  '[ 255 ] [ "A", "a" ]',
  "300 44850",
];

export default async function files(): Promise<void> {
  const names = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  const here = names("made").filter((name) => name !== "dangling" && name !== "fifo");
  console.log(here, names("made/empty"));
  const mode = Deno.statSync("made/script").mode! & 0o777;
  const { stdout } = await new Deno.Command("made/link").output();
  console.log(mode.toString(8), Deno.readLinkSync("made/link"), new TextDecoder().decode(stdout));
  console.log(names("made/long").map((name) => name.length), names("made/case"));
  let sum = 0;
  for (const name of names("made/many")) sum += Number(Deno.readTextFileSync(`made/many/${name}`));
  console.log(names("made/many").length, sum);
}
