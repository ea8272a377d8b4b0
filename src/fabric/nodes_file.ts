/** `nodes.toml`: the file that lists the nodes of a cluster for its master. */

// @ts-types="../../types/std_toml.d.ts"
import { parse } from "@std/toml";
import { addressArgument } from "../cli/address_argument.ts";
import { memArgument } from "../cli/values.ts";
import { UsageError } from "../core/usage_error.ts";
import { formatAddress } from "../core/pid.ts";
import type { NodeGroup } from "../cli/fabric_arguments.ts";

const FIELDS = ["fabric_addr", "bridge_bind", "mem", "cpu"];

/**
 * Parses the text of a file.
 *
 * @param file The file's name in messages.
 * @throws {UsageError} If something in it is wrong; the message names file, entry and field.
 */
export function parseNodesFile(text: string, file: string): NodeGroup[] {
  const { nodes, ...others } = parseToml(text, file);
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new UsageError(`${file}: "${other}" is unknown; expected [[nodes]]`);
  }
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new UsageError(`${file}: it has no node; expected at least one [[nodes]]`);
  }
  const groups = nodes.map((node, index) => readNode(node, `${file}: node ${index + 1}`));
  const seen = new Set<string>();
  for (const { address: { host, port } } of groups) {
    const name = formatAddress(host, port);
    if (seen.has(name)) throw new UsageError(`${file}: two nodes have the address ${name}`);
    seen.add(name);
  }
  return groups;
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, " ") : String(error);
    throw new UsageError(`${file} is not TOML: ${why}`);
  }
}

function readNode(value: unknown, where: string): NodeGroup {
  if (typeof value !== "object" || value === null) {
    throw new UsageError(`${where} is not a table; expected [[nodes]]`);
  }
  const node = value as Record<string, unknown>;
  const unknown = Object.keys(node).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw new UsageError(`${where}: "${unknown}" is unknown; expected ${FIELDS.join(", ")}`);
  }
  const { bridge_bind: bridge } = node;
  return {
    address: readAddress(node["fabric_addr"], `${where}: fabric_addr`),
    bridge: bridge === undefined ? undefined : readAddress(bridge, `${where}: bridge_bind`),
    resources: readResources(node["mem"], node["cpu"], where),
  };
}

/** Both may be left out, which leaves them to the node: what its machine has. */
function readResources(mem: unknown, cpu: unknown, where: string): NodeGroup["resources"] {
  if (mem === undefined && cpu === undefined) return undefined;
  return { mem: readMem(mem, where), cpu: readCpu(cpu, where) };
}

function readAddress(value: unknown, where: string): NodeGroup["address"] {
  if (value !== undefined && typeof value !== "string") {
    throw new UsageError(`${where} is ${JSON.stringify(value)}; expected "host:port"`);
  }
  return addressArgument(value, where, { anyPort: true });
}

function readMem(value: unknown, where: string): number {
  if (typeof value === "string" || (Number.isSafeInteger(value) && (value as number) > 0)) {
    return memArgument(String(value), `${where}: mem`);
  }
  throw new UsageError(`${where}: mem is ${shown(value)}; expected memory, as in "16 GiB"`);
}

function readCpu(value: unknown, where: string): number {
  if (typeof value === "number" && value > 0 && value < Infinity) return value;
  throw new UsageError(`${where}: cpu is ${shown(value)}; expected a number of cores, as in 16`);
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
