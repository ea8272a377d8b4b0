/**
 * The certificates of a cluster, or of a run, made from what its members share.
 *
 * Whoever holds the secret derives the same certificate authority from it. A member issues itself a
 * certificate for as long as it runs. It names no address: who connects does not ask which host this is, but
 * whether it holds the secret.
 */

import { type Certificates, CERTIFIED_NAME } from "./encryption.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The authority's key is not used for anything else that is derived from the same secret. */
const INFO = new TextEncoder().encode("deploy certificate authority 1");

/** RFC 8410: a private key of Ed25519 as PKCS #8, up to its 32 bytes. */
const PKCS8_PREFIX = [
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04],
  0x20,
];

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

const ED25519 = der(SEQUENCE, der(OBJECT, [0x2b, 0x65, 0x70]));
const TRUE = [0x01, 0x01, 0xff];

/**
 * Always: the key of a certificate is never stored, and ends with its process. Hosts whose clocks are wrong
 * can talk, too.
 */
const VALIDITY = der(
  SEQUENCE,
  [
    ...der(UTC_TIME, ascii("000101000000Z")),
    ...der(GENERALIZED_TIME, ascii("99991231235959Z")), // RFC 5280: no end
  ],
);

/** An authority: its key, with which it issues, and its certificate in PEM. */
interface Authority {
  readonly key: CryptoKey;
  readonly cert: string;
}

/** Derives the authority from `secret`, which is at least 16 bytes. */
async function deriveAuthority(secret: Bytes): Promise<Authority> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const seed = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: INFO },
    material,
    256,
  );
  const pkcs8 = new Uint8Array([...PKCS8_PREFIX, ...new Uint8Array(seed)]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const cert = await certificate(key, {
    serial: [1],
    subject: "deploy authority",
    publicKey: await publicKeyOf(key),
    extensions: [
      extension([0x55, 0x1d, 0x13], der(SEQUENCE, TRUE), true), // basicConstraints: an authority
      extension([0x55, 0x1d, 0x0f], [BIT_STRING, 0x02, 0x02, 0x04], true), // keyUsage: keyCertSign
    ],
  });
  return { key, cert };
}

/** The authority of `secret`: all that is needed by one who only connects. */
export async function trustOf(secret: Bytes): Promise<Pick<Certificates, "authority">> {
  return { authority: (await deriveAuthority(secret)).cert };
}

/** Derives the authority from `secret`, which is at least 16 bytes, and issues a certificate by it. */
export async function certificatesOf(secret: Bytes): Promise<Certificates> {
  const authority = await deriveAuthority(secret);
  const own = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const ownKey = await crypto.subtle.exportKey("pkcs8", own.privateKey);
  const ownPublic = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const serial = crypto.getRandomValues(new Uint8Array(16));
  serial[0] = serial[0]! & 0x7f | 0x40; // positive, and as long as possible
  return {
    authority: authority.cert,
    own: {
      cert: await certificate(authority.key, {
        serial: [...serial],
        subject: "deploy",
        publicKey: ownPublic,
        // subjectAltName: a DNS name
        extensions: [
          extension([0x55, 0x1d, 0x11], der(SEQUENCE, der(0x82, ascii(CERTIFIED_NAME)))),
        ],
      }),
      key: pem("PRIVATE KEY", new Uint8Array(ownKey)),
    },
  };
}

/** What a certificate says. */
interface Contents {
  readonly serial: readonly number[];
  readonly subject: string;
  readonly publicKey: Bytes;
  readonly extensions: readonly number[][];
}

/** A certificate by the authority, in PEM. */
async function certificate(
  authority: CryptoKey,
  { serial, subject, publicKey, extensions }: Contents,
): Promise<string> {
  const contents = der(SEQUENCE, [
    ...der(0xa0, der(INTEGER, [2])), // version 3
    ...der(INTEGER, serial),
    ...ED25519,
    ...name("deploy authority"),
    ...VALIDITY,
    ...name(subject),
    ...der(SEQUENCE, [...ED25519, ...der(BIT_STRING, [0, ...publicKey])]),
    ...der(0xa3, der(SEQUENCE, extensions.flat())),
  ]);
  const signature = await crypto.subtle.sign("Ed25519", authority, new Uint8Array(contents));
  const signed = [...contents, ...ED25519, ...der(BIT_STRING, [0, ...new Uint8Array(signature)])];
  return pem("CERTIFICATE", new Uint8Array(der(SEQUENCE, signed)));
}

/** The public half of a private key, which WebCrypto gives only as a part of a JWK. */
async function publicKeyOf(key: CryptoKey): Promise<Bytes> {
  const { x } = await crypto.subtle.exportKey("jwk", key) as JsonWebKey;
  return Uint8Array.fromBase64(x!, { alphabet: "base64url" });
}

/** A value of ASN.1 in DER. */
function der(tag: number, contents: readonly number[]): number[] {
  const { length } = contents;
  if (length < 0x80) return [tag, length, ...contents];
  if (length < 0x100) return [tag, 0x81, length, ...contents];
  return [tag, 0x82, length >> 8, length & 0xff, ...contents];
}

/** A distinguished name that is a common name only. */
function name(text: string): number[] {
  const commonName = [...der(OBJECT, [0x55, 0x04, 0x03]), ...der(UTF8_STRING, ascii(text))];
  return der(SEQUENCE, der(SET, der(SEQUENCE, commonName)));
}

function extension(id: readonly number[], value: readonly number[], isCritical = false): number[] {
  return der(SEQUENCE, [
    ...der(OBJECT, id),
    ...(isCritical ? TRUE : []),
    ...der(OCTET_STRING, value),
  ]);
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** The bytes of a certificate in PEM. */
export function fromPem(text: string): Bytes {
  return Uint8Array.fromBase64(text.replaceAll(/-----.*-----|\s/g, ""));
}

/** Bytes in PEM, with that label. */
export function pem(label: string, bytes: Bytes): string {
  const lines = bytes.toBase64().replaceAll(/.{64}(?!$)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
