// What the first process finds around it, and an error with the line of the source.

export default function surroundings(): void {
  console.log(JSON.stringify({
    args: Deno.args.slice(1),
    here: Deno.statSync("made/script").isFile,
    given: Deno.env.get("GIVEN"),
    system: Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("DEPLOY_RUN")),
  }));
  throw new Error("on purpose");
}
