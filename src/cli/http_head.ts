/** The head of an HTTP request, as far as it matters to who passes it on. */

/** The end of a head. */
const END = "\r\n\r\n";

/** The most bytes of a head. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** Whether these are the bytes of a whole head, and maybe more. */
export function isWholeHead(bytes: Uint8Array): boolean {
  return latin1(bytes).includes(END);
}

/**
 * Whether a request was meant for this machine, by its `Host`: a web page whose name leads here, by a trick of its name
 * server, asks for that name.
 */
export function isForLoopback(bytes: Uint8Array): boolean {
  const [head = ""] = latin1(bytes).split(END);
  const hosts = head.split("\r\n").slice(1).flatMap((line) => {
    const [, host] = /^host:[ \t]*(.*?)[ \t]*$/i.exec(line) ?? [];
    return host === undefined ? [] : [host];
  });
  return hosts.length === 1 && /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(hosts[0]!);
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
