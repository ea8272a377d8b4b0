// The settings of the runtime, which options set; see ways.ts.

export default function settings(): void {
  const { gc, location } = globalThis as { gc?: unknown; location?: Location };
  const { state } = Deno.permissions.querySync({ name: "ffi" });
  console.log(location?.href, typeof gc, typeof Reflect.get(Deno, "openKv"), state);
}
