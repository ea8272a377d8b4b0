/** Copies a folder with all files in it, one after the other, and says so: `copy.ts FROM TO`. */

const [from = "", to = ""] = Deno.args;

function copy(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copy(`${from}/${name}`, `${to}/${name}`);
    else Deno.writeFileSync(`${to}/${name}`, Deno.readFileSync(`${from}/${name}`));
  }
}

copy(from, to);
console.log("copied");
