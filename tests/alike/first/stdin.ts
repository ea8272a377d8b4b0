// stdin, to its end.

export default async function stdin(): Promise<void> {
  console.log(await new Response(Deno.stdin.readable).text());
}
