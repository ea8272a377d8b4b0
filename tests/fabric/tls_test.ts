/** A cluster whose parts encrypt their connections. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { startCluster } from "./cluster.ts";
import { Deployed } from "./deployed.ts";

const PROGRAM = `
import { init, Receiver, Sender, spawn } from "deploy";
async function work(parent) {
  await using sender = new Sender(parent);
  await sender.send("over there");
}
await init({ functions: { work } });
await using receiver = new Receiver(await spawn(work));
console.log("heard: " + await receiver.recv());
`;

async function hasOpenssl(): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: ["version"], stdout: "null" }).output())
      .success;
  } catch {
    return false; // it is not installed
  }
}

/** Makes an authority, and a certificate by it for this machine; returns the folder with the files. */
async function makeCertificates(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-tls-" });
  const openssl = async (...args: string[]): Promise<void> => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder }).output();
    assert(success, new TextDecoder().decode(stderr));
  };
  const key = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(
    ...["req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"],
    ...["-subj", "/CN=test authority"],
  );
  await openssl("req", ...key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=fabric");
  await Deno.writeTextFile(`${folder}/ext`, "subjectAltName=IP:127.0.0.1\n");
  await openssl(
    ...["x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-out", "cert.pem", "-days", "2", "-extfile", "ext"],
  );
  return folder;
}

Deno.test({
  name: "with --tls-cert, --tls-key and --tls-ca the parts of a cluster talk over TLS only",
  ignore: !await hasOpenssl(),
  fn: async () => {
    const folder = await makeCertificates();
    const files = ["--tls-cert", `${folder}/cert.pem`, "--tls-key", `${folder}/key.pem`];
    const authority = ["--tls-ca", `${folder}/ca.pem`];
    await using cluster = await startCluster({
      nodes: [{ mem: "1GiB", cpu: 1 }, { mem: "1GiB", cpu: 1 }],
      options: [...files, ...authority],
    });
    await using program = await Deployed.start(cluster.bridge, PROGRAM, { flags: authority });
    assertEquals(await program.code, 0, program.stderr);
    assertEquals(program.text, "heard: over there\n");
    await using plain = await Deployed.start(cluster.bridge, PROGRAM);
    assertEquals(await plain.code, 1);
    assert(
      plain.stderr.includes(`Cannot connect to the bridge at ${cluster.bridge}`),
      plain.stderr,
    );
    await Deno.remove(folder, { recursive: true });
  },
});
