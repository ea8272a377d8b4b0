// At a terminal, the first process asks, as without init().

export default async function asks(): Promise<void> {
  const name = prompt("Your name?");
  const sure = confirm("Sure?");
  Deno.stdin.setRaw(true);
  console.log("A key?");
  const key = new Uint8Array(1);
  await Deno.stdin.read(key);
  Deno.stdin.setRaw(false);
  console.log(JSON.stringify({ name, sure, key: key[0] }));
}
